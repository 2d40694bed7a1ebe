// Which of our tasks there are, by their Pods: the answer to "did that RunTask start something?"
import { DescribeTasksCommand, type ECSClient, ListTasksCommand } from "@aws-sdk/client-ecs";
import { type EcsSettings, type EcsTask, startedBy, taskFrom } from "@gantry/core";
import type { EcsApi } from "./ecs-api.ts";

const PAGE = 100;

/** A listing serves all who ask within this time. */
const SHARE_MS = 2_000;

export interface TaskCensusOptions {
  readonly settings: EcsSettings;
  readonly client: ECSClient;
  readonly api: EcsApi;
  readonly now: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

interface Listing {
  readonly begunAtMs: number;
  readonly tasks: Promise<ReadonlyMap<string, EcsTask>>;
}

export class TaskCensus {
  readonly #options: TaskCensusOptions;
  readonly #listings = new Map<string, Listing>();
  /** Tasks described before: whose they are does not change. */
  #described = new Map<string, EcsTask>();

  constructor(options: TaskCensusOptions) {
    this.#options = options;
  }

  /** The task of a Pod's attempt in a listing that began after `sinceMs`. */
  async find(
    cluster: string,
    podUid: string,
    attempt: number,
    sinceMs: number,
  ): Promise<EcsTask | undefined> {
    for (const task of (await this.tasks(cluster, sinceMs)).values()) {
      if (task.owner?.podUid === podUid && task.owner.attempt === attempt) return task;
    }
    return undefined;
  }

  /** All of our tasks that are to run, by ARN, in a listing that began after `sinceMs`. */
  async tasks(cluster: string, sinceMs: number): Promise<ReadonlyMap<string, EcsTask>> {
    const { now, sleep } = this.#options;
    const last = this.#listings.get(cluster);
    if (last !== undefined) {
      if (last.begunAtMs > sinceMs) return last.tasks;
      await sleep(Math.max(0, last.begunAtMs + SHARE_MS - now()));
      const meanwhile = this.#listings.get(cluster);
      if (meanwhile !== undefined && meanwhile.begunAtMs > sinceMs) return meanwhile.tasks;
    }
    const listing = { begunAtMs: now(), tasks: this.#list(cluster) };
    this.#listings.set(cluster, listing);
    listing.tasks.catch(() => {
      if (this.#listings.get(cluster) === listing) this.#listings.delete(cluster);
    });
    return listing.tasks;
  }

  async #list(cluster: string): Promise<ReadonlyMap<string, EcsTask>> {
    const { api, client, settings } = this.#options;
    const arns: string[] = [];
    let nextToken: string | undefined;
    do {
      const input = { cluster, startedBy: startedBy(settings), maxResults: PAGE, nextToken };
      const page = await api.patiently("ListTasks", "clusterRead", () =>
        client.send(new ListTasksCommand(input)),
      );
      arns.push(...(page.taskArns ?? []));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    await this.#describe(
      cluster,
      arns.filter((arn) => !this.#described.has(arn)),
    );
    const found = new Map<string, EcsTask>();
    for (const arn of arns) {
      const task = this.#described.get(arn);
      if (task !== undefined) found.set(arn, task);
    }
    const others = [...this.#described].filter(([, { clusterArn }]) => !isOf(clusterArn, cluster));
    this.#described = new Map([...others, ...found]);
    return found;
  }

  async #describe(cluster: string, arns: readonly string[]): Promise<void> {
    const { api, client } = this.#options;
    for (let n = 0; n < arns.length; n += PAGE) {
      const tasks = arns.slice(n, n + PAGE);
      const reply = await api.patiently("DescribeTasks", "clusterRead", () =>
        client.send(new DescribeTasksCommand({ cluster, tasks })),
      );
      for (const raw of reply.tasks ?? []) {
        const task = taskFrom(raw);
        if (task !== undefined) this.#described.set(task.taskArn, task);
      }
    }
  }
}

const isOf = (clusterArn: string | undefined, cluster: string): boolean =>
  clusterArn === cluster || clusterArn?.endsWith(`/${cluster}`) === true;
