import { describe, expect, test } from "vitest";
import { parseRfc3339 } from "./apimachinery/time.ts";
import { correlateEvent, newEventState } from "./event-aggregation.ts";
import type { EventAction, EventState } from "./event-aggregation.ts";
import { eventName } from "./event-object.ts";
import type { NewEvent } from "./event-object.ts";

const start = parseRfc3339("2024-01-01T00:00:00Z");
const involvedObject = {
  kind: "Job",
  namespace: "default",
  name: "pi",
  uid: "uid-pi",
  apiVersion: "batch/v1",
  resourceVersion: "89",
};
const event = (message: string, reason = "SuccessfulCreate"): NewEvent => ({
  involvedObject,
  type: "Normal",
  reason,
  message,
  component: "job-controller",
});

/** Feeds events one after the other, `stepMs` apart. */
function feed(
  events: readonly NewEvent[],
  stepMs = 1000,
  from: EventState = newEventState(start),
): { actions: EventAction[]; state: EventState } {
  const actions: EventAction[] = [];
  let state = from;
  events.forEach((each, i) => {
    const result = correlateEvent(state, each, start + i * stepMs);
    actions.push(result.action);
    state = result.state;
  });
  return { actions, state };
}

const kinds = (actions: readonly EventAction[]): readonly string[] => actions.map((a) => a.kind);
const same = (count: number, message = "m"): NewEvent[] =>
  Array.from({ length: count }, () => event(message));
const distinct = (count: number, from = 0): NewEvent[] =>
  Array.from({ length: count }, (_, i) => event(`pod ${from + i}`));

test("R76: the object as the API server shows it, in its field order", () => {
  const { action } = correlateEvent(newEventState(start), event("Created pod: pi-5p5g6"), start);
  expect(JSON.stringify(action)).toBe(
    JSON.stringify({
      kind: "create",
      event: {
        kind: "Event",
        apiVersion: "v1",
        metadata: { name: "pi.17a6101701650000", namespace: "default" },
        involvedObject,
        reason: "SuccessfulCreate",
        message: "Created pod: pi-5p5g6",
        source: { component: "job-controller" },
        firstTimestamp: "2024-01-01T00:00:00Z",
        lastTimestamp: "2024-01-01T00:00:00Z",
        count: 1,
        type: "Normal",
        eventTime: null,
        reportingComponent: "job-controller",
        reportingInstance: "",
      },
    }),
  );
});

test("R76: a worker's event names its Node; an object without namespace is told in default", () => {
  const node = { kind: "Node", name: "w-1", uid: "w-1", apiVersion: "v1" };
  const told = { ...event("up"), involvedObject: node, component: "worker", host: "w-1" };
  const { action } = correlateEvent(newEventState(start), told, start);
  expect(action).toMatchObject({
    event: {
      metadata: { namespace: "default" },
      source: { component: "worker", host: "w-1" },
      reportingInstance: "w-1",
    },
  });
});

describe("R76: names", () => {
  test("two events of one millisecond differ, and a clock set back repeats none", () => {
    let state = newEventState(start);
    const names = new Set<string>();
    for (const [i, nowMs] of [start, start, start, start - 5000, start + 1].entries()) {
      const result = correlateEvent(state, event(`m${i}`), nowMs);
      state = result.state;
      if (result.action.kind === "create") names.add(result.action.event.metadata.name);
    }
    expect(names.size).toBe(5);
  });

  test("a long name is cut to a valid one", () => {
    const name = eventName(`${"a".repeat(235)}-.${"b".repeat(18)}`, 0x17a60f5ee6ca0000n);
    expect(name).toBe(`${"a".repeat(235)}.17a60f5ee6ca0000`);
    expect(eventName("a".repeat(253), 0x17a60f5ee6ca0000n)).toHaveLength(253);
  });
});

test("R76: a repeated event is counted", () => {
  const { actions } = feed(same(3));
  expect(kinds(actions)).toEqual(["create", "patch", "patch"]);
  const [first, , third] = actions;
  expect(third).toMatchObject({
    patch: { count: 3, lastTimestamp: "2024-01-01T00:00:02Z", message: "m" },
    event: { count: 3, firstTimestamp: "2024-01-01T00:00:00Z" },
  });
  const names = [first, third].map((a) => (a?.kind === "drop" ? "" : a?.event.metadata.name));
  expect(names[0]).toBe(names[1]);
});

test("R76: type, reason and message all matter", () => {
  const warning: NewEvent = { ...event("m"), type: "Warning" };
  expect(kinds(feed([event("m"), event("n"), event("m", "Other"), warning]).actions)).toEqual(
    Array.from({ length: 4 }, () => "create"),
  );
});

describe("R76: similar events", () => {
  test("the tenth different message and those after it are combined", () => {
    const { actions } = feed(distinct(12));
    expect(kinds(actions)).toEqual([
      ...Array.from({ length: 10 }, () => "create"),
      "patch",
      "patch",
    ]);
    expect(actions[8]).toMatchObject({ event: { message: "pod 8", count: 1 } });
    expect(actions[9]).toMatchObject({
      event: { message: "(combined from similar events): pod 9", count: 1 },
    });
    expect(actions[11]).toMatchObject({
      patch: { count: 3, message: "(combined from similar events): pod 11" },
    });
  });

  test("an early message is still counted for itself", () => {
    const { actions } = feed([...distinct(11), event("pod 3")]);
    expect(actions[11]).toMatchObject({ kind: "patch", patch: { count: 2, message: "pod 3" } });
  });

  test("other reasons are not concerned", () => {
    const { actions } = feed([...distinct(11), event("x", "Completed")]);
    expect(actions[11]).toMatchObject({ kind: "create", event: { message: "x" } });
  });

  test("after 600 s of quiet it starts afresh; at 600 s it does not", () => {
    const { state } = feed(distinct(9));
    const lastMs = start + 8000;
    const within = correlateEvent(state, event("new"), lastMs + 600_000).action;
    expect(within).toMatchObject({ event: { message: "(combined from similar events): new" } });
    const after = correlateEvent(state, event("new"), lastMs + 600_001).action;
    expect(after).toMatchObject({ event: { message: "new" } });
  });
});

describe("R76: token bucket", () => {
  test("25 at once, then dropped, then one per 300 s", () => {
    const { actions, state } = feed(same(27), 0);
    expect(kinds(actions).filter((kind) => kind === "drop")).toHaveLength(2);
    expect(kinds(actions).slice(25)).toEqual(["drop", "drop"]);
    const early = correlateEvent(state, event("m"), start + 299_999);
    expect(early.action.kind).toBe("drop");
    const late = correlateEvent(early.state, event("m"), start + 300_000);
    expect(late.action).toMatchObject({ kind: "patch", patch: { count: 29 } });
    expect(correlateEvent(late.state, event("m"), start + 300_001).action.kind).toBe("drop");
  });

  test("no more than 25 gather", () => {
    const { state } = feed(same(30), 0);
    const later = Array.from({ length: 30 }, () => event("m"));
    let current = state;
    const actions = later.map((each) => {
      const result = correlateEvent(current, each, start + 100 * 300_000);
      current = result.state;
      return result.action;
    });
    expect(actions.filter((action) => action.kind !== "drop")).toHaveLength(25);
  });

  test("a clock set back gives no tokens", () => {
    const { state } = feed(same(25), 0);
    const back = correlateEvent(state, event("m"), start - 3_600_000);
    expect(back.action.kind).toBe("drop");
    expect(correlateEvent(back.state, event("m"), start).action.kind).toBe("drop");
  });
});

test("the state stays small, whatever is told", () => {
  const many = Array.from({ length: 2000 }, (_, i) => event(`m${i}`, `Reason${i % 100}`));
  const { state } = feed(many, 700_000);
  expect(state.told.length).toBeLessThanOrEqual(64);
  expect(state.similar.length).toBeLessThanOrEqual(32);
  expect(state).toEqual(JSON.parse(JSON.stringify(state)));
});

test("sources that tell of one object in the same millisecond give their Events different names", () => {
  const names = [0, 1_000].map((offsetNs) => {
    const { action } = correlateEvent(newEventState(start, offsetNs), event("x"), start);
    return action.kind === "create" ? action.event.metadata.name : "";
  });
  expect(new Set(names).size).toBe(2);
});
