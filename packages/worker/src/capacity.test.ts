// The ledger of a worker's room: reservations, waiting for room, and the order in which it is given.
import { amountsOf } from "@gantry/core";
import { describe, expect, test } from "vitest";
import { RoomLedger } from "./capacity.ts";

const ledger = (onChange = (): void => {}): RoomLedger =>
  new RoomLedger(amountsOf({ cpu: "4", pods: "3" }), onChange);
const cpu = (text: string) => amountsOf({ cpu: text, pods: "1" });

/** Longer than any test takes: what must not be what ends it. */
const LONG_MS = 60_000;

describe("RoomLedger", () => {
  test("reserves what is free, once a Pod, and gives it back once", () => {
    const room = ledger();
    expect(room.reserve("a", cpu("3"))).toEqual({ ok: true });
    expect(room.reserve("a", cpu("3"))).toEqual({ ok: true });
    expect(room.reserve("b", cpu("2"))).toEqual({
      ok: false,
      reasons: ["Insufficient cpu"],
      lasting: false,
    });
    room.release("a");
    room.release("a");
    expect(room.reserve("b", cpu("4"))).toEqual({ ok: true });
    expect(room.reserve("c", cpu("0"))).toEqual({ ok: true });
    expect(room.reserve("d", cpu("0"))).toEqual({ ok: true });
    expect(room.reserve("e", cpu("0"))).toMatchObject({ reasons: ["Too many pods"] });
  });

  test("a Pod that runs already is counted even beyond the room", () => {
    const room = ledger();
    room.take("a", cpu("5"));
    expect(room.used).toEqual(cpu("5"));
    expect(room.reserve("b", cpu("1")).ok).toBe(false);
  });

  test("room that comes free goes to those who wait, in their order, as far as it suffices", async () => {
    const room = ledger();
    room.take("a", cpu("4"));
    const given: string[] = [];
    const wait = (uid: string, amount: string): Promise<unknown> =>
      room.waitForRoom(uid, cpu(amount), LONG_MS).then((granted) => granted && given.push(uid));
    const waits = [wait("b", "2"), wait("c", "3"), wait("d", "2")];
    room.release("a");
    await Promise.all([waits[0], waits[2]]);
    expect(given).toEqual(["b", "d"]);
    room.release("b");
    room.release("d");
    await waits[1];
    expect(given).toEqual(["b", "d", "c"]);
  });

  test("waiting ends with the time, with the ledger, and at once when many wait already", async () => {
    const room = ledger();
    room.take("a", cpu("4"));
    expect(await room.waitForRoom("b", cpu("1"), 1)).toBe(false);
    const many = Array.from({ length: 16 }, (_, n) => room.waitForRoom(`m${n}`, cpu("1"), LONG_MS));
    expect(await room.waitForRoom("c", cpu("1"), LONG_MS)).toBe(false);
    room.close();
    expect(new Set(await Promise.all(many))).toEqual(new Set([false]));
    expect(await room.waitForRoom("d", cpu("1"), LONG_MS)).toBe(false);
  });

  test("every change is told", () => {
    let changes = 0;
    const room = ledger(() => (changes += 1));
    room.reserve("a", cpu("1"));
    room.reserve("a", cpu("1"));
    room.release("a");
    room.release("a");
    expect(changes).toBe(2);
  });
});
