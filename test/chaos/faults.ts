// What breaks, where, when and for how long: a pure function of the seed.
import type { Random } from "../simulation/random.ts";
import type { PartName, WorkerName } from "./installation.ts";

export const queueMischiefs = [
  "remove",
  "retry",
  "promote",
  "moveToFailed",
  "drain",
  "clean",
  "pause",
  "obliterate",
] as const;
export type QueueMischief = (typeof queueMischiefs)[number];

export const chaosQueues = ["pods-process", "pods-simulated", "cleanup"] as const;
export type ChaosQueue = (typeof chaosQueues)[number];

type Kind =
  /** SIGKILL; started again after the duration. */
  | { readonly kind: "kill"; readonly part: PartName }
  /** SIGTERM, and started again: a deployment. */
  | { readonly kind: "restart"; readonly part: PartName }
  /** SIGKILL of the process that runs a worker's Pods. */
  | { readonly kind: "kill-supervisor"; readonly part: WorkerName }
  /** SIGSTOP, then SIGCONT. */
  | { readonly kind: "stop"; readonly part: PartName }
  | { readonly kind: "cut"; readonly part: PartName }
  | { readonly kind: "freeze"; readonly part: PartName; readonly way: "up" | "down" | "both" }
  | { readonly kind: "slow"; readonly part: PartName; readonly delayMs: number }
  | { readonly kind: "clock"; readonly part: PartName; readonly offsetMs: number }
  | { readonly kind: "network-cut"; readonly part: "worker-2" }
  | { readonly kind: "disk-full"; readonly part: "worker-1" }
  | { readonly kind: "redis-kill" }
  /** The machine of Redis dies, and the end of its file with it. */
  | { readonly kind: "redis-loss"; readonly bytes: number }
  | { readonly kind: "redis-freeze" }
  /** SIGKILL of every Gantry process at once. */
  | { readonly kind: "blackout" }
  | {
      readonly kind: "queue";
      readonly queue: ChaosQueue;
      readonly mischief: QueueMischief;
    };

export type Fault = Kind & { readonly atMs: number; readonly forMs: number };

export interface FaultProfile {
  readonly count: number;
  /** Faults begin within this time. */
  readonly spanMs: number;
  /** How long what only interrupts may last. */
  readonly pauseMaxMs: number;
  /** How long a worker or Redis may stand still or be cut off: beyond the leases, or up to the giving up of its Pods. */
  readonly absenceMaxMs: number;
  readonly redisFreezeMaxMs: number;
  readonly clockJumpMaxMs: number;
  /** How often Redis loses the end of its file. */
  readonly losses: number;
}

const schedulers = ["scheduler-1", "scheduler-2"] as const;
const workers = ["worker-1", "worker-2", "worker-3"] as const;
const all = ["api", ...schedulers, ...workers] as const;

/** Of the absences of workers: as long as the profile allows. */
const LONGEST_SHARE = 0.25;

/** No process is struck twice at once; it has this long to come back. */
const REST_MS = 1_500;

/** A fault for which no time is found in so many attempts is left out. */
const ATTEMPTS = 20;

const isWorker = (part: PartName): part is WorkerName => part.startsWith("worker");

const pick = (random: Random, profile: FaultProfile): Kind & { forMs: number } => {
  const short = (): number => random.int(200, profile.pauseMaxMs);
  const long = (part: PartName): number => {
    if (!isWorker(part)) return random.int(500, profile.pauseMaxMs);
    const most = profile.absenceMaxMs;
    // Seldom so long that its Pods are given up.
    return random.chance(LONGEST_SHARE)
      ? most - random.int(0, most / 8)
      : random.int(500, most / 2);
  };
  const anyPart = random.pick(all);
  const choices: (() => Kind & { forMs: number })[] = [
    () => ({ kind: "kill", part: random.pick(workers), forMs: short() }),
    () => ({ kind: "kill", part: random.pick(schedulers), forMs: short() }),
    () => ({ kind: "kill", part: anyPart, forMs: short() }),
    () => ({ kind: "restart", part: anyPart, forMs: 0 }),
    () => ({ kind: "kill-supervisor", part: random.pick(workers), forMs: 0 }),
    () => ({ kind: "stop", part: anyPart, forMs: long(anyPart) }),
    () => ({ kind: "stop", part: anyPart, forMs: long(anyPart) }),
    () => ({ kind: "cut", part: anyPart, forMs: long(anyPart) }),
    () => ({
      kind: "freeze",
      part: anyPart,
      way: random.pick(["up", "down", "both"]),
      forMs: long(anyPart),
    }),
    () => ({ kind: "slow", part: anyPart, delayMs: random.pick([20, 100, 400]), forMs: short() }),
    () => ({
      kind: "clock",
      part: anyPart,
      offsetMs: random.int(-profile.clockJumpMaxMs, profile.clockJumpMaxMs),
      forMs: long("worker-1"),
    }),
    () => ({ kind: "network-cut", part: "worker-2", forMs: long("worker-2") }),
    () => ({ kind: "disk-full", part: "worker-1", forMs: short() }),
    () => ({ kind: "redis-kill", forMs: random.int(100, 3_000) }),
    () => ({ kind: "redis-freeze", forMs: random.int(500, profile.redisFreezeMaxMs) }),
    () => ({ kind: "blackout", forMs: random.int(100, 2_000) }),
    ...Array.from({ length: 4 }, () => () => mischief(random)),
  ];
  return random.pick(choices)();
};

const mischief = (random: Random): Kind & { forMs: number } => {
  const kind = random.pick(queueMischiefs);
  return {
    kind: "queue",
    queue: random.pick(chaosQueues),
    mischief: kind,
    forMs: kind === "pause" ? random.int(500, 4_000) : 0,
  };
};

/** Some hundred commands, which is more than a second of this load. */
const LOST_BYTES_MAX = 100_000;

const loss = (random: Random): Kind & { forMs: number } => ({
  kind: "redis-loss",
  bytes: random.int(1, LOST_BYTES_MAX),
  forMs: random.int(100, 3_000),
});

/** What a fault takes for itself while it lasts. */
export const struck = (fault: Kind): readonly string[] => {
  switch (fault.kind) {
    case "queue":
      return [`queue ${fault.queue}`];
    case "redis-kill":
    case "redis-loss":
    case "redis-freeze":
      return ["redis"];
    case "blackout":
      return all;
    default:
      return [fault.part];
  }
};

interface Span {
  readonly from: number;
  readonly to: number;
}

/** In the order of their beginnings. */
export const planFaults = (random: Random, profile: FaultProfile): Fault[] => {
  const taken = new Map<string, Span[]>();
  const faults: Fault[] = [];
  for (let n = 0; n < profile.count; n++) {
    const kind = n < profile.losses ? loss(random) : pick(random, profile);
    const targets = struck(kind);
    const isFree = ({ from, to }: Span): boolean =>
      targets.every((target) =>
        (taken.get(target) ?? []).every((other) => other.to < from || to < other.from),
      );
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const atMs = random.int(0, profile.spanMs);
      const span = { from: atMs, to: atMs + kind.forMs + REST_MS };
      if (!isFree(span)) continue;
      for (const target of targets) taken.set(target, [...(taken.get(target) ?? []), span]);
      faults.push({ ...kind, atMs });
      break;
    }
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs);
};

export const describeFault = ({ atMs, forMs, ...fault }: Fault): string => {
  const { kind, ...how } = fault;
  const details = Object.values(how).join(" ");
  const lasting = forMs > 0 ? ` for ${(forMs / 1000).toFixed(1)} s` : "";
  return `${(atMs / 1000).toFixed(1)} s: ${kind}${details === "" ? "" : ` ${details}`}${lasting}`;
};
