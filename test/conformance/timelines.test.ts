// Recorded lives of Jobs, lived again by the real processes with the simulated runtime.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Gantry } from "@gantry/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshDataDir, GantryProcess, waitForFile } from "../support/gantry.ts";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { waitFor } from "@gantry/store/testing/wait-for";
import { type Comparison, compareLives } from "./timelines-comparison.ts";
import { keptDifferences } from "./timelines-differences.ts";
import { type Entry, parseRecording, type Recording } from "./timelines-recording.ts";
import { LifeWatch, replay } from "./timelines-replay.ts";
import { waited, waits } from "./timelines-waits.ts";

const directory = fileURLToPath(new URL("../../../shared/wire/timelines", import.meta.url));
const present = existsSync(directory);
if (!present) console.warn(`recorded lives of Jobs: skipped, no recordings at ${directory}`);
const recordings = present
  ? readdirSync(directory).map((file) =>
      parseRecording(readFileSync(join(directory, file), "utf8")),
    )
  : [];

/**
 * Lives that went as they did because Kubernetes, which gathers for a second, saw several Pods end,
 * or several waits end, in one sync. The scheduler is held meanwhile, so that Gantry does too.
 */
const GATHERED = ["per-index-backoff", "policy-fail-job", "success-policy"];
/** Its two failed indexes are tried again at once. */
const RETRIED = "per-index-backoff";
const RETRY_AFTER_MS = 10_000;
const MARGIN_MS = 500;
const WHOLE_MS = 180_000;
/** Kubernetes reckons in whole seconds: a wait may be up to one shorter. */
const EARLY_SECONDS = 1.1;
const LATE_SECONDS = 1.5;
/** The recorded controllers shared one request limit. */
const RECORDED_LATE_SECONDS = 3;

let redis: TestRedis;
let dataDir: string;
const parts: GantryProcess[] = [];
let stopping = false;
let watch: LifeWatch;
const failures = new Map<string, unknown>();
const compared = new Map<string, Comparison>();

/** Rejects when one of the processes ends by itself. */
let die: (error: Error) => void = () => {};
const death = new Promise<never>((_, reject) => {
  die = reject;
});
death.catch(() => {});

const start = (...args: string[]): GantryProcess => {
  const part = new GantryProcess([...args, "--redis", redis.url]);
  parts.push(part);
  part.child.once("exit", () => {
    if (!stopping) die(new Error(`gantry ${args[0]} ended: ${part.stderr}`));
  });
  return part;
};

const play = async (recording: Recording): Promise<void> => {
  try {
    await replay(watch, recording);
  } catch (error) {
    failures.set(recording.name, error);
  }
};

const hold = async (scheduler: GantryProcess, until: () => Promise<unknown>): Promise<void> => {
  scheduler.child.kill("SIGSTOP");
  try {
    await until();
  } finally {
    scheduler.child.kill("SIGCONT");
  }
};

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Resolves when the first Pods of all gathered lives are in one of these phases. */
const firstPods = (...phases: string[]): Promise<unknown> =>
  waitFor(`Pods to be ${phases.join(" or ")}`, () => {
    const reached = (entry: Entry): string[] =>
      entry.kind === "pod" && phases.includes(entry.phase) ? [entry.pod] : [];
    const all = recordings
      .filter(({ name }) => GATHERED.includes(name))
      .every(({ name, manifest }) => {
        const pods = new Set(watch.entries(name).flatMap(reached));
        return pods.size >= (manifest.spec.parallelism ?? 1);
      });
    return all || failures.size > 0 || undefined;
  });

/** When the first and the last Pod was seen to fail, ms since the Job was posted. */
const failureTimes = (name: string): { first: number; last: number } => {
  const times = watch
    .entries(name)
    .flatMap((entry) => (entry.kind === "pod" && entry.phase === "Failed" ? [entry.atMs] : []));
  return { first: Math.min(...times), last: Math.max(...times) };
};

const playGathered = async (scheduler: GantryProcess): Promise<void> => {
  const startMs = performance.now();
  const until = (atMs: number): Promise<void> => sleep(startMs + atMs - performance.now());
  const lives = recordings.filter(({ name }) => GATHERED.includes(name));
  const played = Promise.all(lives.map(play));
  await firstPods("Running", "Succeeded", "Failed");
  await hold(scheduler, () => firstPods("Succeeded", "Failed"));
  const failed = failureTimes(RETRIED);
  await until(failed.first + RETRY_AFTER_MS - MARGIN_MS);
  await hold(scheduler, () => until(failed.last + RETRY_AFTER_MS + MARGIN_MS));
  await played;
};

const playAll = async (scheduler: GantryProcess): Promise<void> => {
  const kubeconfig = join(dataDir, "kubeconfig");
  await waitForFile(kubeconfig);
  const client = Gantry.fromKubeconfig(kubeconfig);
  await waitFor("the API to be ready", async () => (await client.ready()) || undefined);
  watch = await LifeWatch.start(client);
  await playGathered(scheduler);
  await Promise.all(recordings.filter(({ name }) => !GATHERED.includes(name)).map(play));
};

describe.skipIf(!present)("recorded lives of Jobs", () => {
  beforeAll(async () => {
    redis = await startRedis();
    dataDir = await freshDataDir();
    const simulated = ["--data-dir", dataDir, "--runtime", "simulated"];
    start("api", "--listen", "127.0.0.1:0", ...simulated);
    const scheduler = start("scheduler");
    start("worker", ...simulated);
    await Promise.race([playAll(scheduler), death]);
    for (const recording of recordings) {
      const { name } = recording;
      const overlook = keptDifferences.find(({ timeline }) => timeline === name)?.overlook;
      compared.set(name, compareLives(recording, watch.entries(name), overlook));
    }
  }, WHOLE_MS);

  afterAll(async () => {
    stopping = true;
    await watch?.stop();
    await Promise.all(parts.map((part) => part.stop()));
    await redis.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  test.each(recordings)("$name: Job, Pods and Events as recorded", ({ name }) => {
    const kept = keptDifferences.filter(({ timeline }) => timeline === name);
    expect(compared.get(name)?.differences).toEqual(kept.flatMap(({ lines = [] }) => lines));
    expect(failures.get(name)).toBeUndefined();
  });

  test.each(waits)("$timeline, $rule: $seconds s", (wait) => {
    const recording = recordings.find(({ name }) => name === wait.timeline);
    const recorded = waited(wait, recording?.entries ?? []);
    expect(recorded).toBeGreaterThan(wait.seconds - EARLY_SECONDS);
    expect(recorded).toBeLessThan(wait.seconds + RECORDED_LATE_SECONDS);
    const replayed = waited(wait, compared.get(wait.timeline)?.entries ?? []);
    expect(replayed).toBeGreaterThan(wait.seconds - EARLY_SECONDS);
    expect(replayed).toBeLessThan(wait.seconds + LATE_SECONDS);
  });
});
