// Finds the Pod template that a Pod's record derives from, remembering those seen.
import type { Job, PodRecord } from "@gantry/core";
import { suffix } from "./keys.ts";
import type { Store } from "./store.ts";
import { templateId } from "./writes.ts";

export type PodTemplate = Job["spec"]["template"];

/** Templates are a few kilobytes each; this bounds the cache to some tens of megabytes. */
const CACHE_MAX = 10_000;

/**
 * By the uid of their Job and a digest of what they say, so nothing in it is ever out of date.
 */
export type TemplateCache = Map<string, PodTemplate>;

/** A scheduler and a worker in one process share it: what one knows the other need not look up. */
export const processTemplates: TemplateCache = new Map();

export class Templates {
  readonly #store: Store;
  readonly #cache: TemplateCache;

  constructor(store: Store, cache: TemplateCache = new Map()) {
    this.#store = store;
    this.#cache = cache;
  }

  /** Remembers a Job's present template, so that its Pods need no look-up. */
  learn(job: Job): string {
    const id = templateId(job.spec.template);
    const key = `${job.metadata.uid}:${id}`;
    // The first stays: others keep what they worked out of it by its identity.
    if (!this.#cache.has(key)) this.#remember(key, job.spec.template);
    return id;
  }

  /** As `of`, if it need not be looked up. */
  known(pod: PodRecord): PodTemplate | undefined {
    const key = cacheKey(pod);
    return key === null ? undefined : this.#cache.get(key);
  }

  /** The template of a Pod; `undefined` for Pods that carry their spec, or whose template is lost. */
  async of(pod: PodRecord): Promise<PodTemplate | undefined> {
    return (await this.ofAll([pod]))[0];
  }

  /** Templates of many Pods, in their order, with one look-up a Job. */
  async ofAll(pods: readonly PodRecord[]): Promise<(PodTemplate | undefined)[]> {
    const missing = new Map<string, PodRecord>();
    for (const pod of pods) {
      const key = cacheKey(pod);
      if (key !== null && !this.#cache.has(key)) missing.set(key, pod);
    }
    if (missing.size > 0) await this.#load([...missing.values()]);
    return pods.map((pod) => {
      const key = cacheKey(pod);
      return key === null ? undefined : this.#cache.get(key);
    });
  }

  async #load(pods: readonly PodRecord[]): Promise<void> {
    const jobs = await this.#store.getMany(
      "jobs",
      pods.map((pod) => `${pod.namespace}/${pod.job?.name ?? ""}`),
    );
    await Promise.all(
      pods.map(async (pod, n) => {
        const job = jobs[n]?.value;
        if (job !== undefined && job.metadata.uid === pod.job?.uid) this.learn(job);
        const key = cacheKey(pod);
        if (key === null || this.#cache.has(key)) return;
        const [owner = "", id = ""] = key.split(":");
        const text = await this.#store.redis.hget(this.#store.key(suffix.templates(owner)), id);
        if (text !== null) this.#remember(key, JSON.parse(text) as PodTemplate);
      }),
    );
  }

  #remember(key: string, template: PodTemplate): void {
    if (this.#cache.size >= CACHE_MAX) {
      const oldest = this.#cache.keys().next().value;
      if (oldest !== undefined) this.#cache.delete(oldest);
    }
    this.#cache.set(key, template);
  }
}

const cacheKey = (pod: PodRecord): string | null =>
  pod.template === undefined || pod.job === undefined ? null : `${pod.job.uid}:${pod.template}`;
