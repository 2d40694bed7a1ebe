// Reads what Pods really did, from the journals that they wrote themselves.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** One container's run of a Pod, from its first line to its last. */
export interface Run {
  readonly uid: string;
  readonly job: string;
  readonly pod: string;
  readonly index: number | undefined;
  readonly node: string;
  readonly pid: string;
  /** Uptime, seconds. */
  readonly from: number;
  /** Its last sign of life. */
  readonly to: number;
  /** It was sent SIGTERM. */
  readonly isTerminated: boolean;
  /** With which it says that it exits; `undefined`: it was killed. */
  readonly exitCode: number | undefined;
}

interface Line {
  readonly what: string;
  readonly at: number;
  readonly job: string;
  readonly pod: string;
  readonly index: number | undefined;
  readonly node: string;
  readonly pid: string;
  readonly code: string;
}

const parse = (text: string): Line | undefined => {
  const words = text.split(" ");
  if (words.length !== 8) return undefined;
  const [what = "", at = "", job = "", pod = "", index = "", node = "", pid = "", code = ""] =
    words;
  return {
    ...{ what, job, pod, node, pid, code },
    at: Number(at),
    index: index === "-" ? undefined : Number(index),
  };
};

/** Lines of one Pod, by the process that wrote them. */
export const runsOf = (uid: string, text: string): Run[] => {
  const byPid = new Map<string, Line[]>();
  for (const line of text.split("\n")) {
    const parsed = parse(line);
    if (parsed === undefined) continue;
    const known = byPid.get(parsed.pid);
    // A pid that begins again is another process.
    if (known === undefined) byPid.set(parsed.pid, [parsed]);
    else if (parsed.what === "begin") byPid.set(`${parsed.pid}+${known.length}`, [parsed]);
    else known.push(parsed);
  }
  return [...byPid.values()].flatMap((lines) => {
    const [first] = lines;
    const last = lines.at(-1);
    if (first === undefined || last === undefined) return [];
    const { job, pod, index, node, pid } = first;
    const isTerminated = lines.some(({ what }) => what === "term");
    const end = lines.find(({ what }) => what === "end");
    const exitCode = end === undefined ? undefined : Number(end.code);
    return [
      { uid, job, pod, index, node, pid, from: first.at, to: last.at, isTerminated, exitCode },
    ];
  });
};

export const readJournals = async (directory: string): Promise<Run[]> => {
  const pods = join(directory, "pods");
  const runs: Run[] = [];
  for (const uid of await readdir(pods)) {
    runs.push(...runsOf(uid, await readFile(join(pods, uid), "utf8")));
  }
  return runs.toSorted((a, b) => a.from - b.from);
};
