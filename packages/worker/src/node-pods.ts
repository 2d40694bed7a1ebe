// Compares what the store says of this node's Pods with what runs here.
import { suffix } from "@gantry/store";
import type { PodRunner } from "./pod-runner.ts";
import type { WorkerContext } from "./worker-context.ts";

/** Pods that this node claimed before it was restarted. */
export const adoptAll = async (context: WorkerContext, runner: PodRunner): Promise<void> => {
  const { store, node, log } = context;
  const keys = await store.redis.smembers(store.key(suffix.nodePods(node)));
  const pods = await store.getMany("pods", keys);
  for (const pod of pods) {
    if (pod === null || pod.value.node !== node) continue;
    if (!runner.has(pod.value.uid)) {
      log.info({ pod: pod.key, uid: pod.value.uid }, "adopting a pod of this node");
      runner.adopt(pod);
    }
    if (pod.value.deletion !== undefined) await runner.recheck(pod.key, pod.value.uid);
  }
};

/** What no message announced: Pods of this node that do not run here, leftovers of gone ones. */
export const scan = async (context: WorkerContext, runner: PodRunner): Promise<void> => {
  await adoptAll(context, runner);
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
