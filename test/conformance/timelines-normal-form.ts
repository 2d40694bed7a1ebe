// What counts of a Job's life. Left out is what belongs to Kubernetes' own timing and bookkeeping:
//
// - The interleaving of different objects: the Job, each Pod and the Events are sequences of their own.
//   What a user did stands in each of them, and a Pod that was created a second or more after
//   another had ended (that long Kubernetes gathers ends before it acts) must come after it.
// - `uncountedTerminatedPods`: Pods in it are counted as they will be, so that the two writes of
//   one count are one.
// - Finalizers between a Pod's creation and its end, and the writes that take them away.
// - Equal states in a row.
// - `ready`: it lags in Kubernetes; it is not compared state by state but as the most that it was.
// - Events about anything but the Job: the recordings have no kubelet and no scheduler.
// - The random order in which Pods that are alike are created, named and chosen for deletion.
import type {
  Entry,
  JobChange,
  PodChange,
  Recording,
  StatusFields,
} from "./timelines-recording.ts";

export interface JobState {
  readonly atMs: number;
  /** How much the user had done before. */
  readonly actions: number;
  /** Counters: may be passed by in steps. */
  readonly counters: Readonly<Record<string, number>>;
  /** Index lists: may grow in steps. */
  readonly indexes: Readonly<Record<string, string>>;
  /** What must be met exactly: conditions, times, deletion, which fields are there. */
  readonly mark: string;
  /** Most Pods ready while this state lasted. */
  readonly readyMax: number;
}

export type Overlook = (state: JobState) => JobState;

export interface PodLife {
  readonly name: string;
  /** Its states one after the other and the Events about it. */
  readonly text: string;
  readonly states: readonly { readonly text: string; readonly atMs: number }[];
  readonly createdAtMs: number;
  readonly endedAtMs: number | undefined;
}

export interface Life {
  readonly jobs: readonly JobState[];
  readonly pods: readonly PodLife[];
  /** Events in order, those about single Pods without the name. */
  readonly events: readonly string[];
}

const COUNTERS = ["active", "succeeded", "failed", "terminating"];
const INDEX_LISTS = ["completedIndexes", "failedIndexes"];
/** Told apart by being there or not: some are there even if they are zero. */
const SHOWN = ["startTime", "completionTime", "terminating", "ready", "uncountedTerminatedPods"];
const KNOWN = new Set([...COUNTERS, ...INDEX_LISTS, ...SHOWN]);

const isNumber = (value: unknown): value is number => typeof value === "number";

/** A number in a recording, a list of uids in a watch. */
const uncounted = (status: StatusFields, name: string): number => {
  const fields = (status["uncountedTerminatedPods"] ?? {}) as Record<string, unknown>;
  const value = fields[name];
  if (Array.isArray(value)) return value.length;
  return isNumber(value) ? value : 0;
};

const counter = (status: StatusFields, name: string): number => {
  const value = status[name];
  // Of Indexed Jobs the completed indexes are counted already (R59).
  const more =
    name === "succeeded" && status["completedIndexes"] !== undefined ? 0 : uncounted(status, name);
  return (isNumber(value) ? value : 0) + more;
};

const jobState = (change: JobChange, actions: number): JobState => {
  const { status } = change;
  const unknown = Object.keys(status).filter((name) => !KNOWN.has(name));
  if (unknown.length > 0)
    throw new Error(`fields of a status that are not compared: ${unknown.join()}`);
  return {
    atMs: change.atMs,
    actions,
    counters: Object.fromEntries(COUNTERS.map((name) => [name, counter(status, name)])),
    indexes: Object.fromEntries(
      INDEX_LISTS.filter((name) => status[name] !== undefined).map((name) => [
        name,
        String(status[name]),
      ]),
    ),
    mark: [
      SHOWN.filter((name) => status[name] !== undefined).join(),
      change.deleting ? `deleting ${change.finalizers}` : "",
      change.conditions,
      change.type === "DELETED" ? "DELETED" : "",
    ]
      .filter((text) => text !== "")
      .join(" | "),
    readyMax: counter(status, "ready"),
  };
};

export const jobText = ({ counters, indexes, mark, actions }: JobState): string => {
  const numbers = Object.entries(counters)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `${name} ${value}`);
  const lists = Object.entries(indexes).map(([name, list]) => `${name} "${list}"`);
  return `after action ${actions}: ${[...numbers, ...lists].join(", ")} [${mark}]`;
};

const jobStates = (entries: readonly Entry[], overlook: Overlook): JobState[] => {
  const states: JobState[] = [];
  let actions = 0;
  for (const entry of entries) {
    if (entry.kind === "action") actions += 1;
    if (entry.kind !== "job") continue;
    const state = overlook(jobState(entry, actions));
    const last = states.at(-1);
    if (last !== undefined && jobText({ ...last, actions }) === jobText(state)) {
      states[states.length - 1] = { ...last, readyMax: Math.max(last.readyMax, state.readyMax) };
    } else states.push(state);
  }
  return states;
};

const ABOUT_POD =
  /^(ADDED Normal Successful(?:Create|Delete): (?:Created|Deleted) pod: )(\S+)( .*)$/;

/** The event of one Pod, its text without the name. */
const aboutPod = (text: string): { pod: string; text: string } | undefined => {
  const match = ABOUT_POD.exec(text);
  if (match === null) return undefined;
  const [, before = "", pod = "", after = ""] = match;
  return { pod, text: `${before}*${after}` };
};

const podLife = (name: string, entries: readonly Entry[]): PodLife => {
  const states: { text: string; atMs: number }[] = [];
  const events: string[] = [];
  let actions = 0;
  let last: PodChange | undefined;
  const add = (text: string, atMs: number): void => {
    if (states.at(-1)?.text !== text) states.push({ text, atMs });
  };
  for (const entry of entries) {
    if (entry.kind === "action") actions += 1;
    if (entry.kind === "event" && aboutPod(entry.text)?.pod === name) {
      events.push(aboutPod(entry.text)?.text ?? "");
    }
    if (entry.kind !== "pod" || entry.pod !== name) continue;
    if (last === undefined)
      add(`${entry.type} after action ${actions}, tracked ${entry.tracked}`, entry.atMs);
    add(entry.state, entry.atMs);
    last = entry;
  }
  if (last?.type === "DELETED") add("gone", last.atMs);
  else add(`left, tracked ${last?.tracked}`, last?.atMs ?? 0);
  const ended = states.find(({ text }) => /^(Succeeded|Failed)/.test(text));
  return {
    name,
    text: [...states.map(({ text }) => text), ...events].join("\n"),
    states,
    createdAtMs: states[0]?.atMs ?? 0,
    endedAtMs: ended?.atMs,
  };
};

/** `overlook` takes from each state of the Job what a kept difference leaves out of account. */
export const lifeOf = ({ entries }: Pick<Recording, "entries">, overlook: Overlook): Life => {
  const names = new Set(entries.flatMap((entry) => (entry.kind === "pod" ? [entry.pod] : [])));
  return {
    jobs: jobStates(entries, overlook),
    pods: [...names].map((name) => podLife(name, entries)),
    events: entries.flatMap((entry) =>
      entry.kind === "event" ? [aboutPod(entry.text)?.text ?? entry.text] : [],
    ),
  };
};

/** The life with its Pods called as in another. */
export const renamed = (entries: readonly Entry[], names: ReadonlyMap<string, string>): Entry[] => {
  const rename = (text: string): string => {
    let next = text;
    for (const [from, to] of names) next = next.replaceAll(from, to);
    return next;
  };
  return entries.map((entry) => {
    if (entry.kind === "job") return { ...entry, conditions: rename(entry.conditions) };
    if (entry.kind === "pod") return { ...entry, pod: rename(entry.pod) };
    if (entry.kind === "event") return { ...entry, text: rename(entry.text) };
    return entry;
  });
};
