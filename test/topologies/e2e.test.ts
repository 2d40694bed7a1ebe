// The end-to-end tests against each Redis topology. In the usual run one file each; all of them with
// `npm run test:topologies`, or only those of GANTRY_TOPOLOGIES=NAME,NAME.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { type Topology } from "@gantry/store/testing/redis-topologies";
import { topologies } from "./topologies.ts";

const asked = process.env["GANTRY_TOPOLOGIES"];

/** Each type of Job, at every change of a Pod. */
const SHORT = ["test/e2e/job-types.test.ts"];

/** Also what users do with kubectl and other clients, watches, Nodes, and processes that die. */
const ALL = [
  ...SHORT,
  "test/e2e/kubectl.test.ts",
  "test/e2e/kills.test.ts",
  "test/e2e/watchers.test.ts",
  "test/e2e/nodes.test.ts",
  "test/e2e/clients.test.ts",
];

const names =
  asked === undefined
    ? ["cluster", "valkey"]
    : asked === "all"
      ? Object.keys(topologies)
      : asked.split(",");

const root = fileURLToPath(new URL("../../", import.meta.url));
const LIMIT_MS = 15 * 60_000;

const vitest = (files: readonly string[], url: string): Promise<{ code: number; text: string }> =>
  new Promise((resolve, reject) => {
    const { GANTRY_TOPOLOGIES: _, ...env } = process.env;
    const child = spawn(
      process.execPath,
      ["node_modules/vitest/vitest.mjs", "run", "--project", "e2e", ...files],
      { cwd: root, env: { ...env, GANTRY_TEST_REDIS: url, NO_COLOR: "1" } },
    );
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data: Buffer) => (text += data.toString()));
    }
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, text }));
  });

describe("the end-to-end tests pass on", () => {
  let topology: Topology | undefined;
  afterEach(async () => {
    await topology?.stop();
    topology = undefined;
  });

  test.for(names)("%s", { timeout: LIMIT_MS }, async (name, { skip }) => {
    const start = topologies[name];
    if (start === undefined) throw new Error(`there is no topology ${name}`);
    const started = await start();
    if ("reason" in started) return skip(started.reason);
    topology = started;
    const { code, text } = await vitest(asked === undefined ? SHORT : ALL, started.url);
    if (asked !== undefined) console.log(`${name}:\n${text}`);
    expect(code, text).toBe(0);
    expect(text).toMatch(/Tests +\d+ passed/);
  });
});
