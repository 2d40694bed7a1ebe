// Sees Jobs complete and Pods run in the watch streams, from outside of Gantry's processes and without its API.
import type { Job, PodRecord } from "@gantry/core";
import { type Subscription, Store, WatchHub } from "@gantry/store";

const isOver = (job: Job): boolean =>
  (job.status.conditions ?? []).some(
    ({ type, status }) => status === "True" && (type === "Complete" || type === "Failed"),
  );

export class JobWatcher {
  readonly #store: Store;
  readonly #hub: WatchHub;
  readonly #subscriptions: Subscription[] = [];
  readonly #waiting = new Map<string, () => void>();
  /** By Job name, `performance.now()` of the moment in which it was seen. */
  readonly completedAt = new Map<string, number>();
  /** The first Pod of the Job running. */
  readonly runningAt = new Map<string, number>();
  readonly failed: string[] = [];

  private constructor(url: string) {
    this.#store = new Store({ connection: { url } });
    this.#hub = new WatchHub(this.#store);
  }

  static async open(url: string, how: { readonly pods: boolean }): Promise<JobWatcher> {
    const watcher = new JobWatcher(url);
    await watcher.#subscribe(how.pods);
    return watcher;
  }

  async #subscribe(pods: boolean): Promise<void> {
    const after = await this.#store.revision();
    const jobs = await this.#hub.subscribe("jobs", after, (changes) => {
      const now = performance.now();
      for (const change of changes) {
        if (change.type === "MODIFIED") this.#sawJob(change.object<"jobs">(), now);
      }
    });
    this.#subscriptions.push(jobs);
    if (!pods) return;
    this.#subscriptions.push(
      await this.#hub.subscribe("pods", after, (changes) => {
        const now = performance.now();
        for (const change of changes) this.#sawPod(change.object<"pods">(), now);
      }),
    );
  }

  #sawJob(job: Job, now: number): void {
    const { name } = job.metadata;
    if (this.completedAt.has(name) || !isOver(job)) return;
    this.completedAt.set(name, now);
    if ((job.status.failed ?? 0) > 0) this.failed.push(name);
    this.#waiting.get(name)?.();
  }

  #sawPod(pod: PodRecord, now: number): void {
    const job = pod.job?.name;
    if (job !== undefined && pod.phase !== "Pending" && !this.runningAt.has(job)) {
      this.runningAt.set(job, now);
    }
  }

  /** Resolves when the Job is Complete or Failed. */
  async over(name: string): Promise<void> {
    if (this.completedAt.has(name)) return;
    await new Promise<void>((resolve) => this.#waiting.set(name, resolve));
  }

  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.close();
    this.#hub.close();
    await this.#store.close();
  }
}
