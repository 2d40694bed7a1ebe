// A cell of a test's own with Jobs in it whose Pods the test ends by hand.
import { randomUUID } from "node:crypto";
import { type Job, newJob, type PodRecord, type WireJob } from "@gantry/core";
import { createObject, Queues, Store, type Stored, Txn, updatePod } from "@gantry/store";
import { waitFor } from "@gantry/store/testing/wait-for";

const podSpec = { restartPolicy: "Never", containers: [{ name: "main", image: "none" }] };

/** Spec of a Job of one container that is not restarted. */
export const jobSpec = (spec: Partial<WireJob["spec"] & object>): WireJob["spec"] => ({
  template: { spec: podSpec },
  ...spec,
});

export class MetricsCell {
  readonly store: Store;
  readonly queues: Queues;
  /** Unix ms; stands still unless a test moves it. 12:00:05 of some day. */
  nowMs = Date.UTC(2030, 0, 1, 12, 0, 5);

  constructor(url: string, cell: string) {
    this.store = new Store({ connection: { url }, cell });
    this.queues = new Queues(this.store);
  }

  async createJob(name: string, spec: WireJob["spec"], finalizers: string[] = []): Promise<void> {
    const manifest: WireJob = { metadata: { name, namespace: "default", finalizers }, spec };
    const txn = new Txn();
    createObject(txn, "jobs", newJob(manifest, randomUUID(), this.nowMs), this.nowMs);
    await this.store.commit(txn.dirty(`jobs|default/${name}`));
  }

  /** Created 30 s ago. Resolves with its uid. */
  async createCronJob(name: string, spec: object): Promise<string> {
    const metadata = {
      name,
      namespace: "default",
      uid: randomUUID(),
      creationTimestamp: new Date(this.nowMs - 30_000).toISOString().replace(".000", ""),
      generation: 1,
    };
    const txn = new Txn();
    const object = { kind: "CronJob", apiVersion: "batch/v1", metadata, spec };
    createObject(txn, "cronjobs", object, this.nowMs);
    await this.store.commit(txn.dirty(`cronjobs|default/${name}`));
    return metadata.uid;
  }

  async pods(job: string): Promise<readonly Stored<PodRecord>[]> {
    const page = await this.store.listAll("pods", { keyPrefix: `default/${job}-` });
    return page.items;
  }

  /** Waits for a Pod of the Job that has not ended (of this index), and ends it. */
  async endPod(job: string, exitCode: number, index?: number): Promise<void> {
    const pod = await waitFor(`a Pod of ${job}`, async () =>
      (await this.pods(job)).find(
        ({ value }) =>
          value.phase === "Pending" && value.deletion === undefined && value.index === index,
      ),
    );
    const at = { startedAtMs: this.nowMs, finishedAtMs: this.nowMs };
    const ended: PodRecord = {
      ...pod.value,
      node: "somewhere",
      phase: exitCode === 0 ? "Succeeded" : "Failed",
      containers: [
        {
          state: "terminated",
          reason: exitCode === 0 ? "Completed" : "Error",
          exitCode,
          restartCount: 0,
          ready: false,
          ...at,
        },
      ],
    };
    const txn = new Txn();
    updatePod(txn, pod, ended);
    const { ok } = await this.store.commit(txn.dirty(`jobs|default/${job}`));
    if (!ok) throw new Error(`the Pod of ${job} changed while it was ended`);
  }

  /** Waits for a condition of the Job that is True, and resolves with its reason. */
  condition(name: string, type: "Complete" | "Failed"): Promise<string> {
    return waitFor(`${name} to be ${type}`, async () => {
      const job = await this.job(name);
      return job?.status.conditions?.find((one) => one.type === type && one.status === "True")
        ?.reason;
    });
  }

  async job(name: string): Promise<Job | undefined> {
    return (await this.store.get("jobs", `default/${name}`))?.value;
  }

  /** Nothing is left that a sync would look at. */
  async settled(): Promise<void> {
    await waitFor("all syncs to be done", async () => {
      const dirty = await this.store.redis.hlen(this.store.key("dirty"));
      return dirty === 0 || undefined;
    });
  }

  async close(): Promise<void> {
    await this.queues.close();
    await this.store.close();
  }
}
