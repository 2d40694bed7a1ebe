// How long a life takes from one change to another where the rules say so, in seconds.
import type { Entry } from "./timelines-recording.ts";

export interface Wait {
  readonly timeline: string;
  readonly rule: string;
  readonly seconds: number;
  /** The first change that this describes, and after it the first that `to` describes. */
  readonly from: (entry: Entry) => boolean;
  readonly to: (entry: Entry) => boolean;
}

type Is = (entry: Entry) => boolean;

const pod =
  (name: string, is: RegExp): Is =>
  (entry) =>
    entry.kind === "pod" && entry.pod === name && is.test(`${entry.type} ${entry.state}`);

const job =
  (is: RegExp): Is =>
  (entry) =>
    entry.kind === "job" &&
    is.test(
      `${entry.deleting ? "deleting " : ""}${JSON.stringify(entry.status)} ${entry.conditions}`,
    );

const podOfIndex =
  (index: number, is: RegExp): Is =>
  (entry) =>
    entry.kind === "pod" &&
    entry.state.includes(` index=${index} `) &&
    is.test(`${entry.type} ${entry.state}`);

const FAILED = /Failed/;
const ADDED = /^ADDED/;
const SUCCEEDED = /Succeeded/;
const RUNNING = /Running/;

export const waits: readonly Wait[] = [
  {
    timeline: "backoff-limit",
    rule: "R41: 10 s after the first failure",
    seconds: 10,
    from: pod("pod0", FAILED),
    to: pod("pod1", ADDED),
  },
  {
    timeline: "backoff-limit",
    rule: "R41: 20 s after the second",
    seconds: 20,
    from: pod("pod1", FAILED),
    to: pod("pod2", ADDED),
  },
  {
    timeline: "delete-pod",
    rule: "R13, R44: 10 s after a Pod was asked to go",
    seconds: 10,
    from: pod("pod0", / deleting/),
    to: pod("pod1", ADDED),
  },
  {
    timeline: "evict-pod-ignored",
    rule: "R42: 10 s after a failure that a policy ignores",
    seconds: 10,
    from: pod("pod0", FAILED),
    to: pod("pod1", ADDED),
  },
  {
    timeline: "per-index-backoff",
    rule: "R45: 10 s after the failure of index 1",
    seconds: 10,
    from: podOfIndex(1, FAILED),
    to: podOfIndex(1, ADDED),
  },
  {
    timeline: "per-index-backoff",
    rule: "R45: 10 s after the failure of index 3",
    seconds: 10,
    from: podOfIndex(3, FAILED),
    to: podOfIndex(3, ADDED),
  },
  {
    timeline: "deadline",
    rule: "F6: activeDeadlineSeconds after the start",
    seconds: 4,
    from: job(/"startTime"/),
    to: job(/FailureTarget=True/),
  },
  {
    timeline: "ttl",
    rule: "H1-H3: ttlSecondsAfterFinished after the end",
    seconds: 5,
    from: job(/Complete=True/),
    to: job(/^deleting /),
  },
  {
    timeline: "delete-pod",
    rule: "the Pod's own time to stop",
    seconds: 3,
    from: pod("pod0", / deleting/),
    to: pod("pod0", FAILED),
  },
  {
    timeline: "suspended-while-running",
    rule: "the Pod's own time to run",
    seconds: 20,
    from: pod("pod2", RUNNING),
    to: pod("pod2", SUCCEEDED),
  },
];

/** In seconds; not a number where one of both changes is not seen. */
export const waited = ({ from, to }: Wait, entries: readonly Entry[]): number => {
  const first = entries.findIndex(from);
  if (first < 0) return Number.NaN;
  const later = entries.slice(first + 1).find(to);
  return ((later?.atMs ?? Number.NaN) - (entries[first]?.atMs ?? 0)) / 1000;
};
