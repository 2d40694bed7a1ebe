// One seed: a fake full of faults, a Gantry whose workers die, its users, and what was found.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { hasReason, isFinished, type Job } from "@gantry/sdk";
import { Store, taskOwners } from "@gantry/store";
import { type FakeEcs, startFakeEcs } from "../../fake-ecs/fake-ecs.ts";
import { type FaultProfile, profiles } from "../../fake-ecs/faults.ts";
import { gantryEnvironment } from "../../fake-ecs/gantry-config.ts";
import { scaledRates } from "../../fake-ecs/rates.ts";
import { Random } from "../../simulation/random.ts";
import { startRedis } from "../../support/redis-server.ts";
import { checkAll } from "./checks.ts";
import { type JobPlan, planJobs } from "./job-mix.ts";
import { ChaosGantry } from "./workers.ts";

export interface ChaosSize {
  readonly pods: number;
  readonly workers: number;
  /** Faults of requests, tasks and events: so many times those of the profile `mild`. */
  readonly faultFactor: number;
  /** How long workers are killed, and each of them how often at most. */
  readonly harassMs: number;
  readonly killEveryMs: number;
  /** After that, how long nothing may happen though Jobs or tasks are left. */
  readonly idleMs: number;
}

export interface ChaosResult {
  readonly violations: readonly string[];
  readonly deeds: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>>;
  /** Logs of the processes, kept if something was violated. */
  readonly directory: string;
}

const LOOK_EVERY_MS = 500;
/** Of stopTimeout and its like: a second of theirs. */
const SECOND_MS = 100;

/** Refusals after which Gantry is slow for minutes: with as many as of the others little would be launched. */
const SLOW: ReadonlySet<string> = new Set([
  "quota",
  "provisioningQuota",
  "throttle",
  "subnetThrottle",
]);
const SLOW_SHARE = 0.25;

const multiplied = (factor: number): FaultProfile => {
  const times = (weights: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(
      Object.entries(weights).map(([name, weight]) => [
        name,
        weight * factor * (SLOW.has(name) ? SLOW_SHARE : 1),
      ]),
    );
  return Object.fromEntries(
    Object.entries(profiles.mild).map(([group, weights]) => [
      group,
      times(weights as Record<string, number>),
    ]),
  ) as unknown as FaultProfile;
};

/** Lanes on demand and on Spot, and everything that waits in seconds instead of minutes. */
const settings = (random: Random): Record<string, unknown> => {
  const bucket = { burst: 1000, perSecond: 300 };
  return {
    lanes: [
      { name: "spot", cluster: "default", capacityProvider: "FARGATE_SPOT" },
      { name: "on-demand", cluster: "default", launchType: "FARGATE" },
      { name: "second", cluster: "second", launchType: "FARGATE" },
    ],
    lanePolicy: { preferSpot: random.chance(0.5), spotAttempts: random.int(1, 3) },
    launch: {
      deadlineSeconds: 600,
      provisioningSeconds: 5,
      pendingSeconds: 8,
      activatingSeconds: 8,
    },
    watch: { youngPollSeconds: 1, safetyPollSeconds: 3, maxDescribeCallsPerSecond: 20 },
    sweep: { intervalSeconds: 2, minAgeSeconds: 4, maxStopsPerSweep: 1000, dryRunSeconds: 0 },
    rates: {
      clusterModify: bucket,
      clusterRead: bucket,
      definitionModify: bucket,
      definitionRead: bucket,
      fargateRunTask: bucket,
      fargateOnDemand: bucket,
      fargateSpot: bucket,
    },
  };
};

class ChaosRun {
  readonly #size: ChaosSize;
  readonly #fake: FakeEcs;
  readonly #gantry: ChaosGantry;
  readonly #store: Store;
  readonly #plans: readonly JobPlan[];
  readonly #random: Random;

  constructor(
    size: ChaosSize,
    fake: FakeEcs,
    gantry: ChaosGantry,
    store: Store,
    plans: readonly JobPlan[],
    random: Random,
  ) {
    this.#size = size;
    this.#fake = fake;
    this.#gantry = gantry;
    this.#store = store;
    this.#plans = plans;
    this.#random = random;
  }

  async run(): Promise<string[]> {
    const stop = new AbortController();
    const harassed = this.#gantry.harass(
      new Random(this.#random.int(0, 2 ** 31)),
      this.#size.killEveryMs,
      stop.signal,
    );
    const users = Promise.all(this.#plans.map((plan) => this.#use(plan)));
    const endMs = Date.now() + this.#size.harassMs;
    await Promise.all([users, this.#ended(() => Date.now() > endMs)]);
    stop.abort();
    await harassed;
    const inTime = await this.#ended(this.#standstill());
    // What is left to do is to be done without further faults.
    this.#fake.faults.seeded = false;
    const violations = inTime ? [] : await this.#unfinished();
    violations.push(...(await this.#quiet()));
    const { client } = this.#gantry;
    const [jobs, pods] = await Promise.all([client.jobs.list(), client.pods.list()]);
    const { runs, violations: wrong } = this.#fake.journal;
    violations.push(...wrong.map((what) => `a request that is not as the model says: ${what}`));
    const { tasks } = this.#fake;
    const arns = runs.map(({ taskArn }) => taskArn);
    const vanished = new Set(arns.filter((arn) => tasks.record(arn)?.gone === true));
    const evidence = { plans: this.#plans, jobs: jobs.items, pods: pods.items, runs, vanished };
    violations.push(...checkAll(evidence));
    violations.push(...this.#gantry.unasked);
    return violations;
  }

  async #use({ name, manifest, actions }: JobPlan): Promise<void> {
    const { jobs } = this.#gantry.client;
    await jobs.submit(manifest as never);
    await Promise.all(
      actions.map(async ({ afterMs, action }) => {
        await pause(afterMs);
        if (action === "delete") await jobs.delete(name, { propagation: "Foreground" });
        else await this.#suspend(name, action === "suspend");
      }),
    );
  }

  /** As `kubectl patch` does; a finished Job takes it, too. */
  async #suspend(name: string, suspend: boolean): Promise<void> {
    await this.#gantry.client.jobs.patch(name, { spec: { suspend } });
  }

  async #isOver({ name, outcome }: JobPlan): Promise<boolean> {
    try {
      const job: Job = await this.#gantry.client.jobs.get(name);
      return outcome !== null && isFinished(job) && (job.status?.terminating ?? 0) === 0;
    } catch (error) {
      return outcome === null && hasReason(error, "NotFound");
    }
  }

  /** Tells whether nothing has happened for a while: no task was made, none ended. */
  #standstill(): () => boolean {
    const { journal } = this.#fake;
    let last = "";
    let sinceMs = Date.now();
    return () => {
      const now = `${journal.runs.length} ${journal.live().length}`;
      if (now !== last) [last, sinceMs] = [now, Date.now()];
      return Date.now() - sinceMs > this.#size.idleMs;
    };
  }

  /** Whether all Jobs end before they are given up. */
  async #ended(isGivenUp: () => boolean): Promise<boolean> {
    let open = [...this.#plans];
    for (;;) {
      const over = await Promise.all(open.map((plan) => this.#isOver(plan)));
      open = open.filter((_, n) => over[n] !== true);
      if (open.length === 0) return true;
      if (isGivenUp()) return false;
      await pause(LOOK_EVERY_MS);
    }
  }

  async #unfinished(): Promise<string[]> {
    const { client } = this.#gantry;
    const [jobs, pods] = await Promise.all([client.jobs.list(), client.pods.list()]);
    const open = jobs.items.filter((job) => !isFinished(job) || (job.status?.terminating ?? 0) > 0);
    return open.map(({ metadata: { name }, status }) => {
      const own = pods.items.filter(
        (pod) =>
          pod.metadata.labels?.["batch.kubernetes.io/job-name"] === name &&
          !["Succeeded", "Failed"].includes(pod.status?.phase ?? ""),
      );
      const shown = own.slice(0, 3).map((pod) => `\n    ${JSON.stringify(pod.status)}`);
      return `job ${name} did not end: ${JSON.stringify(status)}, ${own.length} open pods${shown.join("")}`;
    });
  }

  /** What nobody owns is to be stopped by the sweep, and nothing is to be kept of it. */
  async #quiet(): Promise<string[]> {
    const isGivenUp = this.#standstill();
    for (;;) {
      const records = [...(await taskOwners(this.#store)).keys()];
      if (records.length === 0 && this.#fake.journal.live().length === 0) return [];
      if (isGivenUp()) return records.map((uid) => `a record is left of the task of pod ${uid}`);
      await pause(LOOK_EVERY_MS);
    }
  }
}

const faultCounts = (fake: FakeEcs): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { on, fault } of fake.faults.injected) {
    const name = `${on} ${fault}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
};

/** Pods that had a task, their tasks, those that came though ECS had said none would, and calls. */
const counted = ({ journal: { runs, requests } }: FakeEcs): Record<string, number> => ({
  pods: new Set(runs.map(({ environment }) => environment["GANTRY_POD_UID"])).size,
  tasks: runs.length,
  ghosts: runs.filter(({ ghost }) => ghost).length,
  runTaskCalls: requests.filter(({ operation }) => operation === "RunTask").length,
});

const deedsOf = ({ deeds }: ChaosGantry, signal: string): number =>
  deeds.filter(({ what }) => what.endsWith(signal)).length;

export const runChaos = async (seed: number, size: ChaosSize): Promise<ChaosResult> => {
  const random = new Random(seed);
  const directory = await mkdtemp(join(tmpdir(), `gantry-ecs-chaos-${seed}-`));
  const plans = planJobs(random, size.pods, directory);
  const redis = await startRedis();
  const fake = await startFakeEcs({
    seed,
    faults: multiplied(size.faultFactor),
    clusters: ["default", "second"],
    rates: scaledRates(10),
    // Tasks that run for ever would hold a small quota for ever.
    quotas: { fargateVcpu: 1_000, fargateSpotVcpu: 1_000 },
    timings: { secondMs: SECOND_MS, spotWarningMs: 500 },
    visibilityTimeoutSeconds: 3,
    maxReceiveCount: 50,
  });
  const environment = gantryEnvironment(directory, fake, settings(random));
  const began = Date.now();
  const { workers } = size;
  const gantry = await ChaosGantry.start({ directory, redisUrl: redis.url, environment, workers });
  const store = new Store({ connection: { url: redis.url } });
  let violations: string[] = [];
  try {
    violations = await new ChaosRun(size, fake, gantry, store, plans, random).run();
  } finally {
    await store.close();
    await gantry.stop();
    await fake.close();
    await redis.stop();
  }
  if (violations.length === 0) await rm(directory, { recursive: true, force: true });
  return {
    violations,
    directory,
    deeds: gantry.deeds.map(({ atMs, what }) => `${(atMs / 1000).toFixed(1)} s ${what}`),
    faults: faultCounts(fake),
    counts: {
      jobs: plans.length,
      ...counted(fake),
      kills: deedsOf(gantry, "SIGKILL"),
      restarts: deedsOf(gantry, "SIGTERM"),
      freezes: deedsOf(gantry, "SIGSTOP"),
      seconds: Math.round((Date.now() - began) / 1000),
    },
  };
};
