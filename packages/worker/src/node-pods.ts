// Compares what the store says of this node's Pods with what runs here.
import { suffix } from "@gantry/store";
import type { PodRunner } from "./pod-runner.ts";
import type { WorkerContext } from "./worker-context.ts";

/** Takes up the Pods that this node claimed before it was restarted; resolves with all it has. */
export const adoptAll = async (
  context: WorkerContext,
  runner: PodRunner,
): Promise<ReadonlySet<string>> => {
  const { store, node, log } = context;
  const keys = await store.redis.smembers(store.key(suffix.nodePods(node)));
  const pods = await store.getMany("pods", keys);
  const found = new Set<string>();
  for (const pod of pods) {
    if (pod === null || pod.value.node !== node) continue;
    found.add(pod.value.uid);
    if (!runner.has(pod.value.uid)) {
      log.info({ pod: pod.key, uid: pod.value.uid }, "adopting a pod of this node");
      runner.adopt(pod);
    }
    if (pod.value.deletion !== undefined) await runner.recheck(pod.key, pod.value.uid);
  }
  return found;
};

/** What no message announced: Pods of this node that do not run here, and Pods here that are gone. */
export const scan = async (context: WorkerContext, runner: PodRunner): Promise<void> => {
  const found = await adoptAll(context, runner);
  // An inbox is cut off at its length, and goes with a node that was given up.
  const missing = runner.local.filter(({ uid }) => !found.has(uid));
  await Promise.all(missing.map(({ key, uid }) => runner.recheck(key, uid)));
  await removeLeftovers(context, runner);
};

/** Directories and containers of Pods whose objects are gone. */
const removeLeftovers = async (context: WorkerContext, runner: PodRunner): Promise<void> => {
  const { store, runtimes } = context;
  for (const runtime of runtimes.values()) {
    for (const { uid, namespace, name } of await runtime.list()) {
      if (runner.has(uid)) continue;
      const pod = await store.get("pods", `${namespace}/${name}`);
      if (pod?.value.uid !== uid) await runtime.remove({ uid });
    }
  }
};
