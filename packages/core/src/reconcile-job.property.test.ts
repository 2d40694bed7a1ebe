// The named invariants of the Job controller, over random Jobs and random happenings.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexSet, isTrue, JobDriver } from "../test/job-driver.ts";
import { anyLeft, happen, type Life, life, live, runOut } from "../test/job-life.ts";
import { isActive, isTerminating, type PodRecord } from "./pod-record.ts";
import { replacesOnlyEnded } from "./rules/pod-classes.ts";
import { validateJobStatusTransition } from "./validation/job-status.ts";

const RUNS = 10_000;

const holds = (check: (one: Life) => void): void =>
  fc.assert(fc.property(life, check), { numRuns: RUNS });

const interim = (status: { conditions?: { type?: string; status?: string }[] | undefined }) =>
  isTrue(status, "FailureTarget") || isTrue(status, "SuccessCriteriaMet");

const terminal = (status: { conditions?: { type?: string; status?: string }[] | undefined }) =>
  isTrue(status, "Failed") || isTrue(status, "Complete");

describe("invariants", () => {
  it("G3, R27: never creates beyond parallelism", () => {
    holds((one) => {
      live(one, {
        plan: (plan, { job, pods }) => {
          if (plan.create.length === 0) return;
          const active = pods.filter(isActive).length + plan.create.length;
          expect(active).toBeLessThanOrEqual(job.spec.parallelism);
          if (!replacesOnlyEnded(job)) return;
          const ending = pods.filter(isTerminating).length;
          expect(active + ending).toBeLessThanOrEqual(job.spec.parallelism);
        },
      });
    });
  });

  it("G3, R30: an index is never active twice, nor started when it has ended for good", () => {
    holds((one) => {
      live(one, {
        plan: (plan, { job, pods }) => {
          const holds = (pod: PodRecord) =>
            isActive(pod) || (replacesOnlyEnded(job) && isTerminating(pod));
          const taken = new Set(pods.filter(holds).map((pod) => pod.index));
          for (const { index } of plan.create) {
            if (index === undefined) continue;
            expect(taken.has(index)).toBe(false);
            expect(indexSet(job.status.completedIndexes).has(index)).toBe(false);
            expect(indexSet(job.status.failedIndexes).has(index)).toBe(false);
            taken.add(index);
          }
        },
      });
    });
  });

  it("G2, R74: no outcome is counted twice; the counters are the sum of what was", () => {
    holds((one) => {
      const untracked = new Set<string>();
      let failed = 0;
      let succeeded = 0;
      const driver = live(one, {
        plan: (plan) => {
          let due = 0;
          for (const change of plan.change) {
            if (change.untrack !== true) continue;
            expect(untracked.has(change.pod.uid)).toBe(false);
            untracked.add(change.pod.uid);
            due += 1;
          }
          expect(plan.tally.podsFailed + plan.tally.podsSucceeded).toBeLessThanOrEqual(due);
          failed += plan.tally.podsFailed;
          succeeded += plan.tally.podsSucceeded;
        },
      });
      expect(driver.status.failed ?? 0).toBe(failed);
      // R59: completions lowered drop indexes that had been counted.
      if (driver.job.spec.completionMode === "NonIndexed") {
        expect(driver.status.succeeded ?? 0).toBe(succeeded);
      }
    });
  });

  it("R15, R18: nothing is created once an interim or terminal condition stands", () => {
    holds((one) => {
      live(one, {
        plan: (plan, { job }) => {
          const deciding = plan.statuses.some(interim);
          if (interim(job.status) || deciding) expect(plan.create).toEqual([]);
        },
      });
    });
  });

  it("R4, R33, R34: the interim condition in a write before; a terminal one is final", () => {
    holds((one) => {
      live(one, {
        status: (job, next) => {
          expect(terminal(job.status)).toBe(false);
          if (terminal(next)) expect(interim(job.status)).toBe(true);
          for (const type of ["FailureTarget", "SuccessCriteriaMet"]) {
            if (isTrue(job.status, type)) expect(isTrue(next, type)).toBe(true);
          }
        },
      });
    });
  });

  it("R59, R64: completedIndexes and failedIndexes share no index; succeeded is a size", () => {
    holds((one) => {
      live(one, {
        status: (job, next) => {
          const completed = indexSet(next.completedIndexes);
          expect(completed.intersectionSize(indexSet(next.failedIndexes))).toBe(0);
          if (job.spec.completionMode === "Indexed") {
            expect(next.succeeded ?? 0).toBe(completed.size);
          }
        },
      });
    });
  });

  it("U3: every status passes Kubernetes' own validation", () => {
    holds((one) => {
      live(one, {
        status: (job, status) => {
          const errors = validateJobStatusTransition({ ...job, status }, job);
          // R59: completions lowered with parallelism, and parallelism then changed alone, all
          // before a sync: that validation would stop Kubernetes' own controller for good.
          const { completions, parallelism } = job.spec;
          const elastic = job.spec.completionMode === "Indexed" && completions !== parallelism;
          const serious = errors.filter(
            ({ detail }) => !(elastic && detail === "cannot decrease the succeeded counter"),
          );
          expect(serious).toEqual([]);
        },
      });
    });
  });

  it("R12: after a sync, active, ready and terminating are those of the Pods", () => {
    holds((one) => {
      live(one, {
        synced: (driver) => {
          if (driver.finished) return;
          expect(driver.status.active ?? 0).toBe(driver.active.length);
          expect(driver.status.ready).toBe(driver.active.filter((pod) => pod.ready).length);
          // A Pod without a node goes with its deletion, in the same commit.
          expect(driver.status.terminating).toBeGreaterThanOrEqual(driver.terminating.length);
        },
      });
    });
  });

  it("G1: left alone, with Pods that succeed, every Job ends and leaves nothing running", () => {
    holds((one) => {
      const driver = live(one, {});
      expect(driver.finished).toBe(true);
      expect(anyLeft(driver)).toBe(false);
      expect([...driver.pods.values()].filter((pod) => pod.tracked)).toEqual([]);
      expect(driver.status).toMatchObject({
        terminating: 0,
        ready: 0,
        uncountedTerminatedPods: {},
      });
      expect(driver.status.active).toBeUndefined();
    });
  });

  it("R39: a sync that sees nothing new writes nothing", () => {
    holds((one) => {
      const driver = live(one, {
        synced: (now) => {
          now.settle();
          const again = now.sync();
          expect(again.statuses).toEqual([]);
          expect(again.change).toEqual([]);
          expect(again.create).toEqual([]);
        },
      });
      expect(driver.sync().statuses).toEqual([]);
    });
  });
});

describe("suspension", () => {
  const outcome = (driver: JobDriver) => ({
    condition: driver.status.conditions?.findLast(({ status }) => status === "True")?.reason,
    ...(driver.job.spec.backoffLimitPerIndex !== undefined && {
      completedIndexes: driver.status.completedIndexes,
      failedIndexes: driver.status.failedIndexes,
    }),
  });

  const scene = fc.record({
    perIndex: fc.option(fc.integer({ min: 0, max: 1 }), { nil: undefined }),
    parallelism: fc.integer({ min: 1, max: 4 }),
    backoffLimit: fc.integer({ min: 0, max: 2 }),
    codes: fc.array(fc.constantFrom(0, 0, 1), { minLength: 1, maxLength: 4 }),
    before: fc.integer({ min: 0, max: 3 }),
    during: fc.array(fc.constantFrom("sync", "endTerminating", "startAll"), { maxLength: 4 }),
    replacement: fc.constantFrom("Failed", "TerminatingOrFailed"),
  });

  it("R68-R71: suspending and resuming at any point reaches the same outcome", () => {
    fc.assert(
      fc.property(
        scene,
        ({ perIndex, parallelism, backoffLimit, codes, before, during, replacement }) => {
          const run = (suspends: boolean) => {
            const driver = new JobDriver({
              completionMode: "Indexed",
              completions: codes.length,
              parallelism,
              podReplacementPolicy: replacement,
              ...(perIndex === undefined ? { backoffLimit } : { backoffLimitPerIndex: perIndex }),
            });
            driver.settle();
            for (let step = 0; step < before; step += 1) {
              const [first] = driver.active;
              if (first !== undefined) driver.end(first, codes[first.index ?? 0] ?? 0);
              driver.settle();
            }
            if (suspends) {
              driver.edit({ suspend: true });
              for (const what of during) happen(driver, { what });
            }
            runOut(driver, (index) => codes[index] ?? 0);
            return outcome(driver);
          };
          expect(run(true)).toEqual(run(false));
        },
      ),
      { numRuns: RUNS },
    );
  });
});
