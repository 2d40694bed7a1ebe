// Random lives of random Jobs: shapes, what nodes and users do to them, and watchers of every sync.
import * as fc from "fast-check";
import type { Job, JobSpec, JobStatus } from "../src/job.ts";
import type { JobPlan, JobSnapshot } from "../src/job-plan.ts";
import { isTerminal, type PodPhase } from "../src/pod-record.ts";
import type { SuccessPolicy } from "../src/schema/batch.ts";
import { JobDriver, testPod } from "./job-driver.ts";

export type Shape = NonNullable<ConstructorParameters<typeof JobDriver>[0]>;

type Happening =
  | { readonly what: "sync" | "suspend" | "resume" | "startAll" | "endTerminating" }
  | {
      readonly what: "start" | "ready" | "restart" | "delete" | "evict" | "vanish";
      readonly pod: number;
    }
  | { readonly what: "end"; readonly pod: number; readonly code: number }
  | { readonly what: "adopt"; readonly index: number; readonly phase: PodPhase }
  | { readonly what: "time"; readonly ms: number }
  | { readonly what: "parallelism" | "elastic" | "deadline"; readonly to: number };

export interface Life {
  readonly shape: Shape;
  readonly happenings: readonly Happening[];
}

/** In one case of three. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** Mostly of use, sometimes 0. */
const small = (max: number): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max }) },
    { weight: 1, arbitrary: fc.constant(0) },
  );

const failurePolicy = (perIndex: boolean) =>
  fc
    .subarray([
      { action: "FailJob", onExitCodes: { operator: "In", values: [42] } },
      { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] },
      { action: "Ignore", onExitCodes: { operator: "In", values: [3] } },
      { action: "Count", onExitCodes: { operator: "NotIn", values: [1, 42, 43] } },
      ...(perIndex ? [{ action: "FailIndex", onExitCodes: { operator: "In", values: [43] } }] : []),
    ])
    .map((rules) => ({ rules }));

const common = fc.record({
  parallelism: small(4),
  backoffLimit: fc.integer({ min: 0, max: 4 }),
  suspend: maybe(fc.boolean()).map((suspend) => suspend ?? false),
  podReplacementPolicy: fc.constantFrom("Failed", "TerminatingOrFailed"),
  activeDeadlineSeconds: maybe(maybe(fc.integer({ min: 0, max: 90 }))),
  restartPolicy: fc.constantFrom("Never", "OnFailure"),
});

const nonIndexed = fc.record({
  completionMode: fc.constant("NonIndexed"),
  completions: fc.oneof(fc.constant(undefined), small(6), small(6)),
  podFailurePolicy: maybe(failurePolicy(false)),
});

const indexed = fc
  .record({
    completionMode: fc.constant("Indexed"),
    completions: small(6),
    backoffLimitPerIndex: maybe(fc.integer({ min: 0, max: 2 })),
    maxFailedIndexes: maybe(fc.integer({ min: 0, max: 3 })),
    successPolicy: maybe(
      fc.constantFrom<SuccessPolicy[]>(
        { rules: [{ succeededIndexes: "0,2-3" }, { succeededCount: 3 }] },
        { rules: [{ succeededIndexes: "1-4", succeededCount: 1 }] },
      ),
    ),
  })
  .chain((spec) =>
    maybe(failurePolicy(spec.backoffLimitPerIndex !== undefined)).map((podFailurePolicy) => ({
      ...spec,
      podFailurePolicy,
      ...(spec.backoffLimitPerIndex === undefined && { maxFailedIndexes: undefined }),
    })),
  );

/** Combinations that validation refuses are mended. */
const shape: fc.Arbitrary<Shape> = fc
  .tuple(common, fc.oneof(nonIndexed, indexed))
  .map(([one, other]) => {
    const spec = { ...one, ...other };
    return spec.podFailurePolicy === undefined
      ? spec
      : { ...spec, podReplacementPolicy: "Failed", restartPolicy: "Never" };
  });

const pod = fc.nat({ max: 5 });

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ what: "sync" as const }) },
  { weight: 3, arbitrary: fc.constant({ what: "startAll" as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant("end" as const),
      pod,
      code: fc.constantFrom(0, 0, 1, 1, 3, 42, 43),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constantFrom("start", "ready", "restart", "delete", "evict", "vanish"),
      pod,
    }) as fc.Arbitrary<Happening>,
  },
  { weight: 2, arbitrary: fc.constant({ what: "endTerminating" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("adopt" as const),
      index: fc.integer({ min: 0, max: 6 }),
      phase: fc.constantFrom(
        "Pending" as const,
        "Running" as const,
        "Succeeded" as const,
        "Failed" as const,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant("time" as const),
      ms: fc.integer({ min: 1, max: 25_000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constantFrom("parallelism", "elastic", "deadline"),
      to: fc.integer({ min: 0, max: 5 }),
    }) as fc.Arbitrary<Happening>,
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constantFrom("suspend", "resume") }) as fc.Arbitrary<Happening>,
  },
);

export const life: fc.Arbitrary<Life> = fc.record({
  shape,
  happenings: fc.array(happening, { minLength: 5, maxLength: 40, size: "max" }),
});

function editOf(driver: JobDriver, what: string, to: number): Partial<JobSpec> {
  if (what === "parallelism") return { parallelism: to };
  if (what === "deadline") return { activeDeadlineSeconds: to * 10 };
  // Only Indexed Jobs may change completions, and only to the new parallelism.
  return driver.job.spec.completionMode === "Indexed" ? { parallelism: to, completions: to } : {};
}

/** Picks among the Pods that have not ended; nothing when there is none. */
function happenToPod(driver: JobDriver, what: string, at: number, code: number): void {
  const { live } = driver;
  const one = live[at % Math.max(1, live.length)];
  if (one === undefined) return;
  if (what === "end") driver.end(one, code);
  else if (what === "start") driver.start(one);
  else if (what === "ready" && one.phase === "Running") driver.setReady(one);
  else if (what === "restart") driver.restart(one);
  else if (what === "delete") driver.deletePod(one);
  else if (what === "evict") driver.evict(one);
  // R82: a user takes the finalizer and the object with it.
  else if (what === "vanish") driver.pods.delete(one.uid);
}

/** R10: somebody's Pod that the selector matches; of the highest "index", one without any. */
function appear(driver: JobDriver, index: number, phase: PodPhase): void {
  const uid = driver.freshUid();
  const node = phase === "Pending" ? undefined : "node-1";
  driver.orphans.set(
    uid,
    testPod({
      uid,
      name: uid,
      job: undefined,
      tracked: false,
      phase,
      ...(node !== undefined && { node, startedAtMs: driver.nowMs }),
      ...(driver.job.spec.completionMode === "Indexed" && index < 6 && { index }),
    }),
  );
}

export function happen(driver: JobDriver, happening: Happening): void {
  switch (happening.what) {
    case "adopt":
      appear(driver, happening.index, happening.phase);
      return;
    case "sync":
      driver.sync();
      return;
    case "suspend":
    case "resume":
      driver.edit({ suspend: happening.what === "suspend" });
      return;
    case "startAll":
      driver.startAll();
      return;
    case "endTerminating":
      for (const one of driver.terminating) driver.end(one, 137);
      return;
    case "time":
      driver.nowMs += happening.ms;
      return;
    case "parallelism":
    case "elastic":
    case "deadline":
      driver.edit(editOf(driver, happening.what, happening.to));
      return;
    case "end":
      happenToPod(driver, "end", happening.pod, happening.code);
      return;
    case "start":
    case "ready":
    case "restart":
    case "delete":
    case "evict":
    case "vanish":
      happenToPod(driver, happening.what, happening.pod, 0);
      return;
  }
}

const MAX_ROUNDS = 60;

/** From here on every Pod succeeds, time passes, and nobody interferes: the Job must end (G1). */
export function runOut(driver: JobDriver, codeOf: (index: number) => number = () => 0): void {
  if (driver.job.spec.suspend) driver.edit({ suspend: false });
  if (driver.job.spec.parallelism === 0 && driver.job.spec.completions !== 0) {
    const elastic = driver.job.spec.completionMode === "Indexed";
    driver.edit({ parallelism: 1, ...(elastic && { completions: 1 }) });
  }
  for (let round = 0; round < MAX_ROUNDS && !driver.finished; round += 1) {
    driver.settle();
    for (const one of driver.terminating) driver.end(one, 137);
    for (const one of driver.active) driver.end(one, codeOf(one.index ?? 0));
    driver.settle();
    if (driver.wakeAtMs !== null) driver.advance(Math.max(0, driver.wakeAtMs - driver.nowMs));
  }
}

export interface Watcher {
  readonly plan?: (plan: JobPlan, before: JobSnapshot, driver: JobDriver) => void;
  readonly status?: (job: Job, next: JobStatus) => void;
  readonly synced?: (driver: JobDriver) => void;
}

/** Lives the life and runs it out, watched. */
export function live({ shape: spec, happenings }: Life, watcher: Watcher): JobDriver {
  const driver = new JobDriver(spec);
  driver.onPlan = (plan, before) => watcher.plan?.(plan, before, driver);
  driver.onStatus = (job, next) => watcher.status?.(job, next);
  for (const one of happenings) {
    happen(driver, one);
    if (one.what === "sync") watcher.synced?.(driver);
  }
  runOut(driver);
  return driver;
}

export const anyLeft = (driver: JobDriver): boolean =>
  [...driver.pods.values()].some((one) => !isTerminal(one));
