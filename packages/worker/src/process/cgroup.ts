// Control groups (version 2) that hold containers to their cpu and memory limits.
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface CgroupSupport {
  /** Where groups of containers are made; null where that is not possible. */
  readonly root: string | null;
  /** Why it is not. */
  readonly refusal: string | null;
}

export interface CgroupLimits {
  /** Contents of the group's files, by their names. */
  readonly files: Readonly<Record<string, string>>;
}

const WORKER_GROUP = "gantry-worker";
const PODS_GROUP = "gantry-pods";
const CONTROLLERS = ["cpu", "memory"];
/** Microseconds: a kubelet's. */
const CPU_PERIOD = 100_000;
/** A kubelet's range of cpu.shares, and the kernel's of cpu.weight. */
const SHARES = { min: 2, max: 262_144 };
const MAX_WEIGHT = 10_000;
/** The last process of a killed group is gone within moments. */
const REMOVE_TRIES = 20;
const REMOVE_POLL_MS = 5;

const read = (...path: string[]): string => readFileSync(join(...path), "utf8");

/** The directory of this process' own group, in a hierarchy of version 2. */
const ownGroup = (): string | null => {
  const line = read("/proc/self/mountinfo")
    .split("\n")
    .find((each) => each.split(" - ")[1]?.startsWith("cgroup2 "));
  const path = /^0::(.*)$/m.exec(read("/proc/self/cgroup"))?.[1];
  if (line === undefined || path === undefined) return null;
  const [, , , root = "/", mountPoint = ""] = line.split(" ");
  return join(mountPoint, relative(root, path));
};

const has = (text: string): boolean => {
  const found = text.trim().split(" ");
  return CONTROLLERS.every((controller) => found.includes(controller));
};

const enable = (group: string): void => {
  if (has(read(group, "cgroup.subtree_control"))) return;
  const all = CONTROLLERS.map((controller) => `+${controller}`).join(" ");
  writeFileSync(join(group, "cgroup.subtree_control"), all);
};

/** A group with processes of its own can't have controlled groups below it: we step aside. */
const stepAside = (group: string): string | null => {
  const pids = read(group, "cgroup.procs").trim().split("\n").filter(Boolean);
  if (pids.length === 0) return null;
  if (pids.some((pid) => pid !== String(process.pid))) {
    return "the worker's control group holds other processes";
  }
  mkdirSync(join(group, WORKER_GROUP), { recursive: true });
  writeFileSync(join(group, WORKER_GROUP, "cgroup.procs"), String(process.pid));
  return null;
};

const refused = (refusal: string): CgroupSupport => ({ root: null, refusal });

/** Finds out by doing it: makes the group that holds all containers' groups. */
export const findCgroupSupport = (): CgroupSupport => {
  if (process.platform !== "linux") return refused("control groups need Linux");
  try {
    const own = ownGroup();
    if (own === null) return refused("no control groups of version 2 are mounted");
    const group = basename(own) === WORKER_GROUP ? dirname(own) : own;
    if (!has(read(group, "cgroup.controllers"))) {
      return refused("the cpu and memory controllers are not given to the worker's control group");
    }
    if (!has(read(group, "cgroup.subtree_control"))) {
      const why = stepAside(group);
      if (why !== null) return refused(why);
      enable(group);
    }
    const root = join(group, PODS_GROUP);
    mkdirSync(root, { recursive: true });
    enable(root);
    removeEmptyGroups(root);
    return { root, refusal: null };
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    return refused(`the worker may not make control groups (${code === "" ? message : code})`);
  }
};

/** What a supervisor left that was killed; groups with processes stay. */
const removeEmptyGroups = (root: string): void => {
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    try {
      rmdirSync(join(root, entry.name));
    } catch {
      // In use.
    }
  }
};

const cpuWeight = (cores: number): number => {
  const shares = Math.min(Math.max(Math.floor(cores * 1024), SHARES.min), SHARES.max);
  return 1 + Math.floor(((shares - SHARES.min) * (MAX_WEIGHT - 1)) / (SHARES.max - SHARES.min));
};

/** Amounts in cores and bytes; `undefined` when nothing is limited. */
export const cgroupLimits = (container: {
  readonly cpuLimit?: number | undefined;
  readonly cpuRequest?: number | undefined;
  readonly memoryLimit?: number | undefined;
}): CgroupLimits | undefined => {
  const { cpuLimit, cpuRequest, memoryLimit } = container;
  if (cpuLimit === undefined && memoryLimit === undefined) return undefined;
  const quota = Math.max(1000, Math.round((cpuLimit ?? 0) * CPU_PERIOD));
  return {
    files: {
      ...(cpuLimit !== undefined && { "cpu.max": `${quota} ${CPU_PERIOD}` }),
      ...(cpuRequest !== undefined && { "cpu.weight": String(cpuWeight(cpuRequest)) }),
      ...(memoryLimit !== undefined && {
        "memory.max": String(Math.ceil(memoryLimit)),
        "memory.swap.max": "0",
        // A container is killed whole, as a kubelet's are.
        "memory.oom.group": "1",
      }),
    },
  };
};

/** The group of one run of a container. */
export class Cgroup {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static create(path: string, { files }: CgroupLimits): Cgroup {
    mkdirSync(path, { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      try {
        writeFileSync(join(path, name), content);
      } catch (error) {
        // Without swap in the kernel there is no such file, and nothing to limit.
        if (name !== "memory.swap.max") throw error;
      }
    }
    return new Cgroup(path);
  }

  /** Where the group of a container is; `null` when it has none. */
  static pathOf(
    root: string | undefined,
    uid: string,
    container: { readonly name: string; readonly limits?: CgroupLimits | undefined },
  ): string | null {
    if (root === undefined || container.limits === undefined) return null;
    return join(root, `${uid}-${container.name}`);
  }

  /** The kernel killed a process of the group because it had used its memory up. */
  get ranOutOfMemory(): boolean {
    try {
      return Number(/^oom_kill (\d+)$/m.exec(read(this.path, "memory.events"))?.[1] ?? 0) > 0;
    } catch {
      return false;
    }
  }

  /** Kills what is left in it. */
  async remove(): Promise<void> {
    for (let tries = 0; tries < REMOVE_TRIES; tries += 1) {
      try {
        if (tries === 0) writeFileSync(join(this.path, "cgroup.kill"), "1");
        rmdirSync(this.path);
        return;
      } catch {
        await sleep(REMOVE_POLL_MS);
      }
    }
  }
}

const JOIN = `exec 9>"$1" || exit 128
echo $$ > "$2/cgroup.procs" || { echo "joining the control group failed" >&9; exit 128; }
command -v -- "$3" >/dev/null || { echo "program:$3" >&9; exit 128; }
shift 3; exec "$@" 9>&-`;

/** The argv that enters the group and becomes `argv`, if there is such a program. */
export const joiningArgv = (
  group: Cgroup,
  errorFile: string,
  program: string,
  argv: readonly string[],
): string[] => ["/bin/sh", "-c", JOIN, "sh", errorFile, group.path, program, ...argv];

/** The argv that enters a running container's group and becomes `argv`. */
export const joiningCommand = (path: string, argv: readonly string[]): string[] => [
  "/bin/sh",
  "-c",
  'echo $$ > "$0/cgroup.procs" && exec "$@"',
  path,
  ...argv,
];
