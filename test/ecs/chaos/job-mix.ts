// Random Jobs for the ecs runtime, what their tasks do, and what must therefore become of them.
import { fileURLToPath } from "node:url";
import type { Random } from "../../simulation/random.ts";

const script = fileURLToPath(new URL("task.sh", import.meta.url));

export interface Outcome {
  readonly type: "Complete" | "Failed";
  readonly reason: string;
  readonly completedIndexes?: string;
  readonly failedIndexes?: string;
  readonly succeeded?: number;
}

export type UserAction = "suspend" | "resume" | "delete";

export interface JobPlan {
  readonly family: string;
  readonly name: string;
  readonly manifest: object;
  readonly actions: readonly { readonly afterMs: number; readonly action: UserAction }[];
  /** What the script says; null for a Job that is deleted. */
  readonly outcome: Outcome | null;
  /** Its Pods are deleted while they run: they may be gone from the API in the end. */
  readonly losesPods: boolean;
  /** Losses of the host count as failures, as they do without a policy that ignores them. */
  readonly countsLosses: boolean;
  readonly restarts: boolean;
}

interface Shape {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly seconds: readonly number[];
  readonly outcome: Outcome | null;
  readonly fails?: readonly number[];
  readonly code?: number;
  readonly stubborn?: boolean;
  readonly restartPolicy?: "OnFailure";
  readonly graceSeconds?: number;
  readonly actions?: JobPlan["actions"];
  readonly losesPods?: boolean;
  readonly withInit?: boolean;
}

/** Longer than a run. */
const FOREVER_SECONDS = 100_000;
/** More than any Job fails. */
const ALWAYS = 1_000;
/** A Job that is to complete bears any number of failures. */
const PATIENT = 1_000;

const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index);
const times = <T>(n: number, make: () => T): T[] => upTo(n).map(make);

/** `0-2,4`: as completedIndexes is written. */
export const indexList = (indexes: readonly number[]): string => {
  const ranges: [number, number][] = [];
  for (const index of indexes) {
    const last = ranges.at(-1);
    if (last?.[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges
    .map(([from, to]) => (from === to ? `${from}` : `${from}${to === from + 1 ? "," : "-"}${to}`))
    .join(",");
};

const ignoreLosses = {
  action: "Ignore",
  onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
};

const complete = (more: Partial<Outcome> = {}): Outcome => ({
  type: "Complete",
  reason: "CompletionsReached",
  ...more,
});
const failed = (reason: string, more: Partial<Outcome> = {}): Outcome => ({
  type: "Failed",
  reason,
  ...more,
});

const shortSeconds = (random: Random): number => random.int(0, 40) / 100;

const indexed = (n: number, random: Random) => ({
  completionMode: "Indexed",
  completions: n,
  parallelism: Math.min(n, random.int(5, 30)),
});

/** By family, a Job of about so many Pods. */
const shapes: Readonly<Record<string, (n: number, random: Random) => Shape>> = {
  fixed: (n, random) => ({
    spec: { completions: n, parallelism: Math.min(n, random.int(3, 25)), backoffLimit: PATIENT },
    seconds: [shortSeconds(random)],
    outcome: complete({ succeeded: n }),
  }),
  queue: (n, random) => ({
    spec: { parallelism: Math.min(n, 12), backoffLimit: PATIENT },
    seconds: [shortSeconds(random)],
    outcome: complete(),
  }),
  flaky: (n, random) => ({
    spec: { ...indexed(n, random), backoffLimitPerIndex: PATIENT },
    seconds: times(n, () => shortSeconds(random)),
    fails: times(n, () => (random.chance(0.06) ? 1 : 0)),
    code: 3,
    withInit: random.chance(0.3),
    outcome: complete({ succeeded: n, completedIndexes: indexList(upTo(n)) }),
  }),
  broken: (n, random) => {
    const bad = upTo(n).filter((index) => index === 0 || random.chance(0.1));
    const good = upTo(n).filter((index) => !bad.includes(index));
    return {
      spec: { ...indexed(n, random), backoffLimitPerIndex: 0 },
      seconds: times(n, () => shortSeconds(random)),
      fails: upTo(n).map((index) => (bad.includes(index) ? ALWAYS : 0)),
      code: random.int(1, 125),
      outcome: failed("FailedIndexes", {
        failedIndexes: indexList(bad),
        completedIndexes: indexList(good),
        succeeded: good.length,
      }),
    };
  },
  fatal: (n, random) => ({
    spec: { ...indexed(n, random), parallelism: n, backoffLimit: PATIENT },
    seconds: upTo(n).map((index) => (index === n - 1 ? 0.1 : FOREVER_SECONDS)),
    fails: upTo(n).map((index) => (index === n - 1 ? ALWAYS : 0)),
    code: 42,
    losesPods: true,
    outcome: failed("PodFailurePolicy"),
  }),
  leader: (n, random) => ({
    spec: {
      ...indexed(n, random),
      parallelism: n,
      backoffLimit: PATIENT,
      successPolicy: { rules: [{ succeededIndexes: "0" }] },
    },
    seconds: upTo(n).map((index) => (index === 0 ? 0.3 : FOREVER_SECONDS)),
    losesPods: true,
    outcome: complete({ reason: "SuccessPolicy", completedIndexes: "0", succeeded: 1 }),
  }),
  deadline: (n, random) => ({
    spec: {
      completions: n,
      parallelism: n,
      backoffLimit: PATIENT,
      activeDeadlineSeconds: random.int(3, 8),
    },
    seconds: [FOREVER_SECONDS],
    stubborn: random.chance(0.5),
    graceSeconds: random.int(2, 10),
    losesPods: true,
    outcome: failed("DeadlineExceeded"),
  }),
  deleted: (n, random) => ({
    spec: { completions: n, parallelism: Math.min(n, 15), backoffLimit: PATIENT },
    seconds: [random.chance(0.5) ? FOREVER_SECONDS : 1],
    stubborn: random.chance(0.3),
    graceSeconds: random.int(2, 20),
    actions: [{ afterMs: random.int(200, 12_000), action: "delete" }],
    losesPods: true,
    outcome: null,
  }),
  paused: (n, random) => ({
    spec: { ...indexed(n, random), backoffLimitPerIndex: PATIENT },
    seconds: times(n, () => shortSeconds(random) + 0.3),
    graceSeconds: 5,
    actions: [
      { afterMs: random.int(500, 4_000), action: "suspend" },
      { afterMs: random.int(5_000, 9_000), action: "resume" },
    ],
    losesPods: true,
    outcome: complete({ succeeded: n, completedIndexes: indexList(upTo(n)) }),
  }),
  restarting: (n, random) => ({
    spec: { ...indexed(n, random), backoffLimit: PATIENT },
    seconds: times(n, () => shortSeconds(random)),
    fails: times(n, () => (random.chance(0.1) ? 1 : 0)),
    code: 7,
    restartPolicy: "OnFailure",
    outcome: complete({ succeeded: n, completedIndexes: indexList(upTo(n)) }),
  }),
};

/** How many of a hundred Pods are of each family. */
const weights: readonly (readonly [family: string, weight: number])[] = [
  ["fixed", 24],
  ["flaky", 30],
  ["broken", 10],
  ["paused", 8],
  ["deleted", 8],
  ["restarting", 6],
  ["deadline", 4],
  ["leader", 4],
  ["fatal", 4],
  ["queue", 2],
];

/** Jobs whose Pods all run at once are kept small. */
const SMALL = 15;
const small: ReadonlySet<string> = new Set(["deadline", "leader", "fatal", "queue", "deleted"]);

const container = (name: string, shape: Shape, directory: string, job: string) => ({
  name,
  image: "busybox:1.36",
  command: ["/bin/sh", script],
  env: [
    { name: "CHAOS_DIR", value: directory },
    { name: "JOB", value: job },
    { name: "SECONDS_OF", value: shape.seconds.join(" ") },
    { name: "FAILS", value: (shape.fails ?? shape.seconds.map(() => 0)).join(" ") },
    { name: "CODE", value: String(shape.code ?? 1) },
    { name: "STUBBORN", value: shape.stubborn === true ? "1" : "0" },
  ],
});

const manifest = (name: string, shape: Shape, directory: string): object => {
  const onFailure = shape.restartPolicy === "OnFailure";
  const fatal = { action: "FailJob", onExitCodes: { operator: "In", values: [42] } };
  const rules = shape.code === 42 ? [fatal, ignoreLosses] : [ignoreLosses];
  const init = { name: "init", image: "busybox:1.36", command: ["/bin/true"] };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name },
    spec: {
      ...shape.spec,
      ...(onFailure ? {} : { podFailurePolicy: { rules } }),
      template: {
        spec: {
          restartPolicy: shape.restartPolicy ?? "Never",
          terminationGracePeriodSeconds: shape.graceSeconds ?? 5,
          ...(shape.withInit === true ? { initContainers: [init] } : {}),
          containers: [container("main", shape, directory, name)],
        },
      },
    },
  };
};

const planJob = (
  family: string,
  name: string,
  n: number,
  random: Random,
  directory: string,
): JobPlan => {
  const make = shapes[family];
  if (make === undefined) throw new Error(`no family ${family}`);
  const shape = make(n, random);
  return {
    family,
    name,
    manifest: manifest(name, shape, directory),
    actions: shape.actions ?? [],
    outcome: shape.outcome,
    losesPods: shape.losesPods === true,
    countsLosses: shape.restartPolicy === "OnFailure",
    restarts: shape.restartPolicy === "OnFailure",
  };
};

/** Jobs that have so many Pods altogether if nothing goes wrong; `directory` is where tasks keep count. */
export const planJobs = (random: Random, pods: number, directory: string): JobPlan[] => {
  const plans: JobPlan[] = [];
  for (const [family, weight] of weights) {
    let left = Math.max(2, Math.round((pods * weight) / 100));
    while (left > 0) {
      const most = small.has(family) ? SMALL : 80;
      const n = Math.min(left, random.int(2, most));
      plans.push(planJob(family, `${family}-${plans.length}`, Math.max(2, n), random, directory));
      left -= n;
    }
  }
  return plans;
};
