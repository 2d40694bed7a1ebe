// The checker of the chaos test sees each kind of violation, and none where all is well.
import type { Job, Pod } from "@gantry/sdk";
import { describe, expect, test } from "vitest";
import type { TaskRun } from "../../fake-ecs/journal.ts";
import { checkAll, type Evidence } from "./checks.ts";
import { indexList, type JobPlan } from "./job-mix.ts";

const run = (more: Partial<TaskRun> & { uid?: string; attempt?: number; code?: number } = {}) => {
  const { uid = "u1", attempt = 1, code = 0, ...rest } = more;
  const made: TaskRun = {
    taskArn: `arn:aws:ecs:r:1:task/default/${uid}-${attempt}`,
    cluster: "default",
    startedBy: "gantry/fake",
    clientToken: `${uid}.${attempt}`,
    taskDefinitionArn: "",
    environment: { GANTRY_POD_UID: uid, GANTRY_ATTEMPT: String(attempt), JOB: "job" },
    ghost: false,
    createdAtMs: attempt * 1_000,
    startedAtMs: attempt * 1_000 + 100,
    endedAtMs: attempt * 1_000 + 500,
    stopCode: "EssentialContainerExited",
    stoppedReason: "Essential container in task exited",
    containers: [
      {
        name: "main",
        pid: 1,
        startedAtMs: attempt * 1_000 + 100,
        endedAtMs: attempt * 1_000 + 400,
        exitCode: code,
        signal: null,
      },
    ],
    ...rest,
  };
  return made;
};

const lost = { stopCode: "SpotInterruption", stoppedReason: "Your Spot Task was interrupted." };

const pod = (uid: string, phase: string, exitCode: number, disrupted = false): Pod =>
  ({
    metadata: { name: `job-${uid}`, uid, labels: { "batch.kubernetes.io/job-name": "job" } },
    status: {
      phase,
      conditions: disrupted ? [{ type: "DisruptionTarget", status: "True", reason: "r" }] : [],
      containerStatuses: [{ name: "main", state: { terminated: { exitCode } } }],
    },
  }) as unknown as Pod;

const job = (status: object): Job =>
  ({
    metadata: { name: "job" },
    status: {
      conditions: [{ type: "Complete", status: "True", reason: "CompletionsReached" }],
      succeeded: 1,
      uncountedTerminatedPods: {},
      ...status,
    },
  }) as unknown as Job;

const plan: JobPlan = {
  family: "fixed",
  name: "job",
  manifest: {},
  actions: [],
  outcome: { type: "Complete", reason: "CompletionsReached", succeeded: 1 },
  losesPods: false,
  countsLosses: false,
  restarts: false,
};

const evidence = (more: Partial<Evidence> = {}): Evidence => ({
  plans: [plan],
  jobs: [job({})],
  pods: [pod("u1", "Succeeded", 0)],
  runs: [run()],
  vanished: new Set(),
  ...more,
});

describe("nothing is found", () => {
  test.each<[string, Partial<Evidence>]>([
    ["where each Pod had its task", {}],
    [
      "of a launch that came to nothing before",
      { runs: [run({ ...lost, startedAtMs: null, containers: [] }), run({ attempt: 2 })] },
    ],
    [
      "of a task that came late and was stopped, or was taken up",
      {
        runs: [
          run({ ghost: true, stopCode: "UserInitiated", stoppedReason: "gantry: orphan: no Pod" }),
          run({ attempt: 2 }),
          run({ uid: "u2", ghost: true }),
        ],
        pods: [pod("u1", "Succeeded", 0), pod("u2", "Succeeded", 0)],
        plans: [{ ...plan, outcome: { type: "Complete", reason: "CompletionsReached" } }],
        jobs: [job({ succeeded: 2 })],
      },
    ],
    [
      "of a host that was lost, and a Pod that took the place",
      {
        runs: [run(lost), run({ uid: "u2" })],
        pods: [pod("u1", "Failed", 137, true), pod("u2", "Succeeded", 0)],
      },
    ],
    [
      "of a restart that its policy wants",
      { plans: [{ ...plan, restarts: true }], runs: [run({ code: 3 }), run({ attempt: 2 })] },
    ],
    [
      "of an end that ECS forgot before it told",
      {
        vanished: new Set([run().taskArn]),
        runs: [run(), run({ uid: "u2" })],
        pods: [pod("u1", "Failed", 137, true), pod("u2", "Succeeded", 0)],
      },
    ],
  ])("%s", (_what, more) => {
    expect(checkAll(evidence(more))).toEqual([]);
  });
});

describe("a violation is found", () => {
  test.each<[string, Partial<Evidence>]>([
    ["attempt u1.1 has several tasks", { runs: [run(), run({ taskArn: "other" })] }],
    ["token is not its owner's", { runs: [run({ clientToken: "u9.1" })] }],
    ["still alive", { runs: [run({ endedAtMs: null })] }],
    ["ran again", { runs: [run({ code: 3 }), run({ attempt: 2 })] }],
    ["ran again", { runs: [run(lost), run({ attempt: 2 })] }],
    [
      "ran again before it had ended",
      {
        plans: [{ ...plan, restarts: true }],
        runs: [run({ code: 3 }), run({ attempt: 2, createdAtMs: 1_200 })],
      },
    ],
    ["is of no Job", { plans: [] }],
    ["its program ended with 3", { runs: [run({ code: 3 })] }],
    ["its program ended with 0", { pods: [pod("u1", "Failed", 137, true)] }],
    ["its task was lost", { runs: [run(lost)] }],
    ["its task was lost (no task)", { runs: [] }],
    ["the API does not have it", { runs: [run(), run({ uid: "u2" })] }],
    ["job job is gone", { jobs: [] }],
    ["is not gone", { plans: [{ ...plan, outcome: null }] }],
    ["reason of Complete", { jobs: [job({ conditions: [] })] }],
    ["succeeded is 2", { jobs: [job({ succeeded: 2 })] }],
    ["active is 1", { jobs: [job({ active: 1 })] }],
    ["terminating is 1", { jobs: [job({ terminating: 1 })] }],
    ["uncounted", { jobs: [job({ uncountedTerminatedPods: { succeeded: ["u1"] } })] }],
    ["failed by its pods is 1", { jobs: [job({ failed: 1 })] }],
  ])("%s", (text, more) => {
    expect(checkAll(evidence(more)).join("\n")).toContain(text);
  });
});

test.each([
  [[], ""],
  [[0], "0"],
  [[0, 1], "0,1"],
  [[0, 1, 2, 4], "0-2,4"],
  [[1, 3, 4, 7, 8, 9], "1,3,4,7-9"],
])("indexes %j are written %s", (indexes, text) => {
  expect(indexList(indexes)).toBe(text);
});
