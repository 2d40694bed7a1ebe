// A thousand watchers on one process: each is told everything, within bounded memory.
import type { IncomingMessage } from "node:http";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DirectClient } from "../support/direct-client.ts";
import { gantryUp, type Installation } from "../support/gantry.ts";
import { waitFor } from "../support/wait-for.ts";

const WATCHERS = 1_000;
const CHANGES = 100;
/** Connections opened at once: each needs a TLS handshake. */
const OPENING = 50;
const DEADLINE_MS = 60_000;
/** TLS, HTTP and what waits to be sent. */
const EACH_MAX_BYTES = 200 * 1024;

let gantry: Installation;
let client: DirectClient;
const open: IncomingMessage[] = [];
beforeAll(async () => {
  gantry = await gantryUp("--runtime", "simulated");
  client = await DirectClient.of(gantry.kubeconfig);
});
afterAll(async () => {
  for (const watch of open) watch.destroy();
  client.close();
  await gantry.stop();
});

const residentBytes = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
};

const NEWLINE = 0x0a;
/** More than one change takes. */
const LINE_BYTES = 4_096;

const path = "/api/v1/namespaces/default/configmaps";

test(`${WATCHERS} watchers see the same ${CHANGES} changes`, { timeout: 110_000 }, async () => {
  const { metadata } = JSON.parse(await client.send("GET", path)) as {
    metadata: { resourceVersion: string };
  };
  const before = await residentBytes(gantry.process.pid);
  const lines: number[] = [];
  const last: Buffer[] = [];
  const watch = async (n: number): Promise<void> => {
    const answer = await client.stream(
      `${path}?watch=1&resourceVersion=${metadata.resourceVersion}`,
    );
    open.push(answer);
    lines[n] = 0;
    answer.on("error", () => {});
    answer.on("data", (data: Buffer) => {
      lines[n] = (lines[n] ?? 0) + data.reduce((sum, byte) => sum + Number(byte === NEWLINE), 0);
      last[n] = Buffer.concat([(last[n] ?? Buffer.alloc(0)).subarray(-LINE_BYTES), data]);
    });
  };
  for (let n = 0; n < WATCHERS; n += OPENING) {
    await Promise.all(Array.from({ length: OPENING }, (_, k) => watch(n + k)));
  }
  for (let n = 0; n < CHANGES; n++) {
    await client.send("POST", path, { metadata: { name: `c-${n}` }, data: { n: String(n) } });
  }
  await waitFor(
    "all watchers to have seen all changes",
    () => (lines.every((count) => count === CHANGES) ? true : undefined),
    DEADLINE_MS,
  );
  expect(lines).toHaveLength(WATCHERS);
  expect(last.every((data) => data.includes(`"name":"c-${CHANGES - 1}"`))).toBe(true);
  const grown = (await residentBytes(gantry.process.pid)) - before;
  expect(grown / WATCHERS).toBeLessThan(EACH_MAX_BYTES);
});
