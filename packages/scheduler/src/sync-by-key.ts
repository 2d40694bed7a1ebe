// Which controller answers for a sync key.
import { FORMAT, type Resource, storedMinor, suffix } from "@gantry/store";
import type { ControllerContext } from "./controller-context.ts";
import { CronJobController } from "./sync-cronjob.ts";
import { GarbageCollector } from "./garbage-collector.ts";
import { NamespaceController } from "./namespaces.ts";
import { JobController } from "./sync-job.ts";

/** One sync of what a key of the workqueue names. Repeating it is harmless. */
export const syncByKey = (context: ControllerContext): ((key: string) => Promise<void>) => {
  const { store, log } = context;
  const jobs = new JobController(context);
  const cronJobs = new CronJobController(context);
  const collector = new GarbageCollector(context);
  const namespaces = new NamespaceController(context);
  return async (key) => {
    const [kind = "", name = "", ...rest] = key.split("|");
    if (kind === "jobs") return jobs.sync(name);
    if (kind === "cronjobs") return cronJobs.sync(name);
    const dirty = (await store.redis.hget(store.key(suffix.dirty), key)) ?? "";
    if (kind === "gc") {
      const [ownerKey = "", uid = ""] = rest;
      return collector.sync(name as Exclude<Resource, "pods" | "events">, ownerKey, uid, dirty);
    }
    if (kind === "namespaces") return namespaces.sync(name, dirty);
    // A newer Gantry beside this one may have keys of its own: the sweep offers them again.
    if ((await storedMinor(store)) > FORMAT.minor) return;
    log.warn({ key }, "unknown sync key dropped");
    await store.redis.hdel(store.key(suffix.dirty), key);
  };
};
