// A store that a newer Gantry wrote, and one that a newer Gantry takes over while this one runs.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Gantry } from "@gantry/sdk";
import { connect, FORMAT } from "@gantry/store";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Finished,
  freshDataDir,
  GantryProcess,
  gantryUp,
  runGantry,
  waitForFile,
} from "../support/gantry.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait-for.ts";

let redis: TestRedis;
let dataDir: string;
beforeEach(async () => {
  redis = await startRedis({ appendOnly: true });
  dataDir = await freshDataDir();
});
afterEach(async () => {
  await redis.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const own = `${FORMAT.major}.${FORMAT.minor}`;

/** As a Gantry of another format does when it opens a store. */
const forge = async (fields: Record<string, string>): Promise<void> => {
  const client = connect({ url: redis.url });
  await client.hset("{gantry}:meta", fields);
  client.disconnect();
};

const roles: Record<string, (place: string[]) => string[]> = {
  api: (place) => ["api", "--listen", "127.0.0.1:0", ...place],
  scheduler: () => ["scheduler"],
  worker: (place) => ["worker", ...place],
  up: (place) => ["up", "--listen", "127.0.0.1:0", "--ops-listen", "off", ...place],
};

const words = (role: string): string[] => [
  ...(roles[role]?.(["--data-dir", dataDir]) ?? []),
  "--redis",
  redis.url,
];

describe("a store of a newer major format", () => {
  const expectRefused = ({ code, stderr }: Finished): void => {
    expect(code).toBe(1);
    expect(stderr).toContain(
      "gantry: the store has format 2, and this Gantry knows formats up to 1: upgrade this Gantry, " +
        "or restore a backup that an older one wrote\n",
    );
  };

  test.each(Object.keys(roles))("is refused by %s, with exit code 1", async (role) => {
    await forge({ format: "2" });
    expectRefused(await runGantry(words(role)));
    const client = connect({ url: redis.url });
    expect(await client.keys("*")).toEqual(["{gantry}:meta"]);
    client.disconnect();
  });

  test("stops those that run on it, which say why", async () => {
    const parts = Object.keys(roles)
      .filter((role) => role !== "up")
      .map((role) => new GantryProcess(words(role)));
    const kubeconfig = join(dataDir, "kubeconfig");
    await waitForFile(kubeconfig);
    for (const part of parts) {
      await waitFor("the part to be ready", () => part.stderr.includes("ready") || undefined);
    }
    await forge({ format: "2" });
    for (const part of parts) {
      await waitFor("the part to stop", () => part.child.exitCode ?? undefined, 40_000);
      expect(part.child.exitCode).toBe(1);
      expect(part.stderr).toContain("gantry: the store has format 2");
    }
  });
});

test("a store of a newer minor format, with a newer process beside this one, runs Jobs", async () => {
  await forge({ format: "1", formatMinor: "9" });
  const gantry = await gantryUp("--redis", redis.url);
  try {
    await submitAndFinish(gantry.client);
    const { stdout, code } = await runGantry([
      "doctor",
      "--redis",
      redis.url,
      "--data-dir",
      dataDir,
    ]);
    expect(stdout).toContain(
      `warn  format: 1.9, this Gantry writes ${own}: upgrade this Gantry soon\n`,
    );
    expect(code).toBe(1);
  } finally {
    await gantry.stop();
  }
});

test("a store that the first format wrote is gone on with", async () => {
  const first = await gantryUp("--redis", redis.url);
  try {
    await submitAndFinish(first.client);
    await first.client.jobs.submit({
      ...manifest("later"),
      spec: { ...manifest("later").spec, suspend: true },
    } as never);
    await first.process.kill();
    // What the first format did not have.
    const client = connect({ url: redis.url });
    await client.hdel("{gantry}:meta", "formatMinor");
    await client.del("{gantry}:unfinished", "{gantry}:members");
    client.disconnect();
    await first.restart();
    expect((await first.client.jobs.list()).items).toHaveLength(2);
    await first.client.jobs.patch("later", { spec: { suspend: false } } as never);
    await first.client.jobs.wait("later", { timeoutMs: 30_000 } as never);
    const { stdout } = await runGantry(["doctor", "--redis", redis.url, "--data-dir", dataDir]);
    expect(stdout).toContain(`ok    format: ${own}\n`);
  } finally {
    await first.stop();
  }
});

const manifest = (name: string) => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name },
  spec: {
    template: {
      spec: {
        restartPolicy: "Never",
        containers: [{ name: "main", image: "busybox:1.36", command: ["true"] }],
      },
    },
  },
});

const submitAndFinish = async (client: Gantry): Promise<void> => {
  await client.jobs.submit(manifest("first") as never);
  await client.jobs.wait("first", { timeoutMs: 30_000 } as never);
};
