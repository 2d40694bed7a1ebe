// The recorded life of a Job: the manifest, what was done to it, and every change that watches showed.

/** Counters and index lists of a Job's status by name; times are `set`. */
export type StatusFields = Readonly<Record<string, unknown>>;

export interface Action {
  readonly kind: "action";
  readonly atMs: number;
  /** `DELETE job Foreground -> 200` */
  readonly text: string;
}

export interface JobChange {
  readonly kind: "job";
  readonly atMs: number;
  readonly type: string;
  readonly deleting: boolean;
  readonly finalizers: string;
  readonly status: StatusFields;
  /** `Suspended=True(JobSuspended: Job suspended); ...` */
  readonly conditions: string;
}

export interface PodChange {
  readonly kind: "pod";
  readonly atMs: number;
  readonly type: string;
  readonly pod: string;
  readonly phase: string;
  /** `Failed bound exit 1 deleting index=0`: all that a watch shows but the finalizers. */
  readonly state: string;
  readonly deleting: boolean;
  /** Whether the Job's tracking finalizer is on it. */
  readonly tracked: boolean;
}

export interface EventChange {
  readonly kind: "event";
  readonly atMs: number;
  /** `ADDED Normal SuccessfulCreate: Created pod: pod0 (count 1)` */
  readonly text: string;
}

export type Entry = Action | JobChange | PodChange | EventChange;

export interface Manifest {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly parallelism?: number;
    readonly template: {
      readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
      readonly spec: {
        readonly containers: readonly {
          readonly env?: readonly { readonly name: string; readonly value: string }[];
        }[];
      };
    };
  };
}

export interface Recording {
  readonly name: string;
  readonly manifest: Manifest;
  /** In order of time, as ms since the Job was posted. */
  readonly entries: readonly Entry[];
}

const LINE = /^ *(\d+) ms {2}(>>>|Job|Pod|Event) (.*)$/;
const POD = /^(\S+) (\w+) (.*)$/;
const FINALIZERS = / finalizers (\S+)/;

/** Splits the status, whose JSON may hold one object, from the text after it. */
const splitJson = (text: string): [string, string] => {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "{") depth += 1;
    if (text[at] === "}") depth -= 1;
    if (depth === 0) return [text.slice(0, at + 1), text.slice(at + 1)];
  }
  throw new Error(`no JSON in ${text}`);
};

const jobChange = (atMs: number, text: string): JobChange => {
  const brace = text.indexOf("{");
  const [json, rest] = splitJson(text.slice(brace));
  const [type = "", ...marks] = text.slice(0, brace).trim().split(" ");
  const [deleting, , finalizers] = marks;
  return {
    kind: "job",
    atMs,
    type,
    deleting: deleting?.startsWith("deleting") === true,
    finalizers: finalizers ?? "",
    status: JSON.parse(json) as StatusFields,
    conditions: rest.replace(/^ conditions /, ""),
  };
};

const podChange = (atMs: number, text: string): PodChange => {
  const match = POD.exec(text);
  if (match === null) throw new Error(`not a change of a Pod: ${text}`);
  const [, pod = "", type = "", rest = ""] = match;
  const state = rest.replace(FINALIZERS, "");
  return {
    kind: "pod",
    atMs,
    type,
    pod,
    phase: state.split(" ", 1)[0] ?? "",
    state,
    deleting: / deleting\b/.test(state),
    tracked: FINALIZERS.exec(rest)?.[1] === "job-tracking",
  };
};

const entry = (line: string): Entry => {
  const match = LINE.exec(line);
  if (match === null) throw new Error(`not a line of a timeline: ${line}`);
  const [, ms, what, text = ""] = match;
  const atMs = Number(ms);
  if (what === ">>>") return { kind: "action", atMs, text };
  if (what === "Job") return jobChange(atMs, text);
  if (what === "Pod") return podChange(atMs, text);
  return { kind: "event", atMs, text };
};

/** Throws on any line that it does not understand: nothing of a recording is passed over. */
export const parseRecording = (text: string): Recording => {
  const [, manifestLine = "", , ...lines] = text.trimEnd().split("\n");
  const manifest = JSON.parse(manifestLine) as Manifest;
  return { name: manifest.metadata.name, manifest, entries: lines.map(entry) };
};
