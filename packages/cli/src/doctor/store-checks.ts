// What Gantry keeps there: its format, its processes, its leases and its queues.
import {
  allQueueNames,
  FORMAT,
  leases,
  type Member,
  members,
  queueNames,
  Queues,
  type Store,
  suffix,
  WorkQueue,
} from "@gantry/store";
import { humanDuration } from "../duration.ts";
import { type Check, fail, graded, ok, warn } from "./check.ts";
import { SKEW_LIMITS_MS } from "./redis-checks.ts";

/** Whether the store's content can be looked at any further. */
export async function formatCheck(store: Store): Promise<{ check: Check; readable: boolean }> {
  const name = "format";
  const { format, formatMinor = "0" } = await store.redis.hgetall(store.key(suffix.meta));
  if (format === undefined) {
    return { check: ok(name, "no Gantry has used this store yet"), readable: false };
  }
  const found = `${format}.${formatMinor}`;
  const own = `${FORMAT.major}.${FORMAT.minor}`;
  if (Number(format) > FORMAT.major) {
    const check = fail(name, `${found}, newer than this Gantry's ${own}`, "upgrade this Gantry");
    return { check, readable: false };
  }
  const minor = Number(formatMinor);
  if (minor > FORMAT.minor) {
    return {
      check: warn(name, `${found}, this Gantry writes ${own}`, "upgrade this Gantry soon"),
      readable: true,
    };
  }
  if (minor < FORMAT.minor) {
    const advice = `any process of this version brings it up to ${own} when it starts`;
    return { check: warn(name, found, advice), readable: true };
  }
  return { check: ok(name, found), readable: true };
}

export async function storeChecks(store: Store): Promise<Check[]> {
  const queues = new Queues(store);
  try {
    const { members: here } = await members(store);
    return [
      ...processChecks(here),
      skewCheck(here),
      await leaseCheck(store, here),
      ...(await Promise.all(allQueueNames.map((name) => queueCheck(store, queues, name)))).flat(),
      await dirtyCheck(store),
    ];
  } finally {
    await queues.close();
  }
}

const roles = ["api", "scheduler", "worker"] as const;

const without: Readonly<Record<(typeof roles)[number], string>> = {
  api: "no Job can be submitted: start `gantry api`",
  scheduler: "nothing makes Pods or counts them: start `gantry scheduler`",
  worker: "no Pod runs: start `gantry worker`",
};

function processChecks(here: readonly Member[]): Check[] {
  const checks = roles.map((role): Check => {
    const found = here.filter((member) => member.role === role);
    if (found.length === 0) return fail(role, "none is there", without[role]);
    const names = found.map(({ name, host, pid }) => name ?? `${host}/${pid}`);
    return ok(
      role,
      `${found.length}: ${names.slice(0, 8).join(", ")}${names.length > 8 ? "..." : ""}`,
    );
  });
  const versions = [...new Set(here.map(({ version }) => version))].toSorted();
  if (versions.length > 1) {
    const found = `side by side: ${versions.join(", ")}`;
    checks.push(warn("versions", found, "finish the deploy; they understand each other meanwhile"));
  } else if (versions.length === 1) checks.push(ok("versions", `all are ${versions[0] ?? ""}`));
  return checks;
}

/** Of all processes, by the server's clock. */
function skewCheck(here: readonly Member[]): Check {
  const sorted = here.toSorted((a, b) => Math.abs(b.skewMs) - Math.abs(a.skewMs));
  const [worst] = sorted;
  if (worst === undefined) return ok("clocks", "no process to compare");
  const { role, host, pid, skewMs } = worst;
  return graded(
    "clocks",
    Math.abs(skewMs),
    SKEW_LIMITS_MS,
    `the ${role} ${host}/${pid} is furthest off, by ${skewMs} ms`,
    "let NTP set the clocks: leases of workers last 15 s",
  );
}

async function leaseCheck(store: Store, here: readonly Member[]): Promise<Check> {
  const nowMs = Date.now();
  const all = await leases(store);
  const expired = all.filter(({ expiresAtMs }) => expiresAtMs <= nowMs);
  const found = `${all.length - expired.length} Nodes alive`;
  const resyncing = (await store.redis.exists(store.key(suffix.resync))) === 1;
  if (expired.length > 0) {
    const names = expired.slice(0, 5).map(({ node, expiresAtMs }) => {
      return expiresAtMs === 0 ? node : `${node} (${humanDuration(nowMs - expiresAtMs)} ago)`;
    });
    return warn(
      "leases",
      `${found}, ${expired.length} ran out: ${names.join(", ")}`,
      "start that worker again, or wait: its Pods are given up a minute after",
    );
  }
  if (!resyncing && here.some(({ role }) => role === "scheduler")) {
    return warn("leases", `${found}; no scheduler resyncs`, "one takes it over within a minute");
  }
  return ok("leases", found);
}

/** Active jobs whose locks are looked at. */
const LOCKS_MAX = 1_000;

/** A wake-up should be taken within milliseconds. */
const BEHIND_MS = 30_000;

async function queueCheck(store: Store, queues: Queues, name: string): Promise<Check[]> {
  if (name === queueNames.cleanup) return [];
  const queue = queues.pods(name);
  const counts = await queue.getJobCounts("waiting", "active", "delayed", "failed");
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const paused = await queue.isPaused();
  // Queues of runtimes that nobody uses need no line.
  if (name !== queueNames.pods && total === 0 && !paused) return [];
  const label = `queue ${name}`;
  const found = Object.entries(counts)
    .map(([state, count]) => `${count} ${state}`)
    .join(", ");
  if (paused) {
    return [warn(label, `paused, ${found}`, "resume it in Bull Board, if that was not meant")];
  }
  const stalled = await stalledJobs(store, queue);
  if (stalled > 0) {
    const advice = "they are handed out again within 15 s while a worker is there";
    return [warn(label, `${found}, ${stalled} without the worker that took them`, advice)];
  }
  return [ok(label, found)];
}

async function stalledJobs({ redis }: Store, queue: ReturnType<Queues["pods"]>): Promise<number> {
  const active = await queue.getActive(0, LOCKS_MAX - 1);
  const locks = await Promise.all(
    active.map((job) => redis.exists(queue.toKey(`${job.id ?? ""}:lock`))),
  );
  return locks.filter((there) => there === 0).length;
}

async function dirtyCheck(store: Store): Promise<Check> {
  const [dirty, unfinished] = await Promise.all([
    store.redis.hlen(store.key(suffix.dirty)),
    store.redis.scard(store.key(suffix.unfinished)),
  ]);
  const found = `${unfinished} unfinished Jobs, ${dirty} syncs owed`;
  const [oldest] = await new WorkQueue(store).waiting(1);
  const behindMs = oldest === undefined ? 0 : Date.now() - oldest.readySinceMs;
  if (behindMs > BEHIND_MS) {
    const advice = "start more schedulers, or look at the Redis server's CPU";
    return warn("work", `${found}, the oldest has waited ${humanDuration(behindMs)}`, advice);
  }
  return ok("work", found);
}
