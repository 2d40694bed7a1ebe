// What belongs to nothing: jobs on queues without their Pods, Pods without their jobs, timers without objects.
import { awaitsWorker, isTerminal, podKey, type PodRecord } from "@gantry/core";
import {
  allQueueNames,
  podPayload,
  queueNames,
  Queues,
  type Resource,
  type Store,
  suffix,
} from "@gantry/store";
import { type Check, ok, warn } from "./check.ts";

/** Looked at of each sort; with more this is a sample. */
const LOOKED_MAX = 5_000;
const PAGE = 1_000;

export async function orphanChecks(store: Store): Promise<Check[]> {
  const queues = new Queues(store);
  try {
    const { placed, check } = await jobsWithoutPods(store, queues);
    return [check, await podsWithoutJobs(store, placed), await timersWithoutObjects(store)];
  } finally {
    await queues.close();
  }
}

async function jobsWithoutPods(
  store: Store,
  queues: Queues,
): Promise<{ check: Check; placed: ReadonlySet<string> }> {
  const placed = new Set<string>();
  const payloads: { readonly key: string; readonly uid: string }[] = [];
  for (const name of allQueueNames) {
    if (name === queueNames.cleanup) continue;
    const jobs = await queues
      .pods(name)
      .getJobs(["waiting", "active", "delayed", "prioritized"], 0, LOOKED_MAX - 1);
    for (const job of jobs) {
      if (job?.id !== undefined) placed.add(job.id);
      const payload = podPayload.safeParse(job?.data);
      if (payload.success) payloads.push({ key: podKey(payload.data), uid: payload.data.uid });
    }
  }
  let orphans = 0;
  for (let n = 0; n < payloads.length; n += PAGE) {
    const some = payloads.slice(n, n + PAGE);
    const pods = await store.getMany(
      "pods",
      some.map(({ key }) => key),
    );
    orphans += some.filter(({ uid }, at) => pods[at]?.value.uid !== uid).length;
  }
  const found = `${orphans} of ${payloads.length} jobs on queues have no Pod`;
  const advice = "a worker that takes them drops them; without one, remove them in Bull Board";
  return { placed, check: orphans === 0 ? ok("jobs", found) : warn("jobs", found, advice) };
}

async function podsWithoutJobs(store: Store, placed: ReadonlySet<string>): Promise<Check> {
  let [looked, waiting, lost] = [0, 0, 0];
  let after: string | undefined;
  do {
    const page = await store.page("pods", { limit: PAGE, ...(after && { after }) });
    looked += page.items.length;
    const pods = page.items.map(({ value }) => value).filter(waitsForWorker);
    waiting += pods.length;
    lost += pods.filter(({ uid }) => !placed.has(uid)).length;
    after = page.more ? page.last : undefined;
  } while (after !== undefined && looked < LOOKED_MAX);
  // More are on the queues than were looked at: one that was not seen may be among them.
  if (placed.size >= LOOKED_MAX) lost = 0;
  const found = `${lost} of ${waiting} waiting Pods are on no queue`;
  const advice = "a scheduler puts them there within 30 s; is one running?";
  return lost === 0 ? ok("pods", found) : warn("pods", found, advice);
}

const waitsForWorker = (pod: PodRecord): boolean =>
  !isTerminal(pod) && pod.deletion === undefined && awaitsWorker(pod);

const timed: readonly string[] = ["jobs", "cronjobs", "namespaces"] satisfies Resource[];

async function timersWithoutObjects(store: Store): Promise<Check> {
  const members = await store.redis.zrange(store.key(suffix.timers), "0", String(LOOKED_MAX - 1));
  const named = members
    .map((member) => {
      const [resource = "", key = ""] = member.split("|");
      return { resource, key };
    })
    .filter(({ resource }) => timed.includes(resource));
  const found = await Promise.all(
    named.map(({ resource, key }) =>
      store.redis.hexists(store.key(suffix.objects(resource as Resource)), key),
    ),
  );
  const orphans = found.filter((there) => there === 0).length;
  const text = `${orphans} of ${members.length} timers belong to no object`;
  return orphans === 0
    ? ok("timers", text)
    : warn("timers", text, "they go by themselves when they are due");
}
