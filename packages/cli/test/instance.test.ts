// One Gantry on a data directory: who has it, and who is a guest there.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dataDir } from "../src/data-dir.ts";
import { isAlive, startOf } from "../src/process-identity.ts";
import { checkIn, countGuests } from "../src/server/guests.ts";
import { claimDataDir, isClaim, runningInstance } from "../src/server/instance.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gantry-instance-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a free directory is taken, announced and released", async () => {
  const dir = dataDir(root);
  const claim = await claimDataDir(dir, "up");
  if (!isClaim(claim)) throw new Error("not free");
  expect(runningInstance(dir)).toMatchObject({ pid: process.pid, command: "up" });
  claim.announce({ url: "https://127.0.0.1:1" });
  expect(runningInstance(dir)?.url).toBe("https://127.0.0.1:1");
  claim.release();
  expect(runningInstance(dir)).toBeUndefined();
  expect(readdirSync(root)).toEqual([]);
});

test("a living process keeps it; a dead one, and a later one with its pid, do not", async () => {
  const dir = dataDir(root);
  const other = spawn("sleep", ["60"], { stdio: "ignore" });
  const pid = other.pid ?? 0;
  try {
    const own = { pid, start: startOf(pid), command: "run" };
    writeFileSync(dir.instance, JSON.stringify(own));
    expect(await claimDataDir(dir, "up")).toMatchObject({ pid, command: "run" });
    writeFileSync(dir.instance, JSON.stringify({ ...own, start: "another time" }));
    expect(isClaim(await claimDataDir(dir, "up"))).toBe(true);
    writeFileSync(dir.instance, JSON.stringify(own));
  } finally {
    other.kill("SIGKILL");
    await once(other, "exit");
  }
  expect(isAlive(pid)).toBe(false);
  expect(isClaim(await claimDataDir(dir, "up"))).toBe(true);
});

test("of many that start at once exactly one takes it", async () => {
  const built = new URL("../dist/server/instance.js", import.meta.url).href;
  const dirs = new URL("../dist/data-dir.js", import.meta.url).href;
  const program = `
    const { claimDataDir, isClaim } = await import(${JSON.stringify(built)});
    const { dataDir } = await import(${JSON.stringify(dirs)});
    console.log(isClaim(await claimDataDir(dataDir(${JSON.stringify(root)}), "run")));
    process.stdin.resume();`;
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["pipe", "pipe", "inherit"],
    }),
  );
  try {
    const answers = await Promise.all(
      children.map(async (child) => String((await once(child.stdout, "data"))[0]).trim()),
    );
    expect(answers.filter((answer) => answer === "true")).toHaveLength(1);
  } finally {
    for (const child of children) child.stdin.end();
    await Promise.all(children.map((child) => once(child, "exit")));
  }
});

test("guests are counted while they live", async () => {
  const dir = dataDir(root);
  expect(countGuests(dir)).toBe(0);
  const leave = checkIn(dir);
  expect(countGuests(dir)).toBe(0);
  const guest = spawn("sleep", ["60"], { stdio: "ignore" });
  const pid = guest.pid ?? 0;
  writeFileSync(join(dir.guests, String(pid)), startOf(pid) ?? "");
  expect(countGuests(dir)).toBe(1);
  guest.kill("SIGKILL");
  await once(guest, "exit");
  expect(countGuests(dir)).toBe(0);
  leave();
  expect(readdirSync(dir.guests)).toEqual([]);
});
