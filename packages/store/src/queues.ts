// The BullMQ queues: their names, payloads and options. The queue tells who does what; the store tells what is true.
import { type JobsOptions, Queue } from "bullmq";
import { z } from "zod";
import { connect } from "./connection.ts";
import type { Store } from "./store.ts";

/** BullMQ's prefix: in the cell's hash tag, so queues and objects share a Cluster slot. */
export const queuePrefix = (store: Store): string => `{${store.cell}}:q`;

export const queueNames = {
  /** One job a wake-up of a controller: `jobs|ns/name`, `cronjobs|ns/name`... */
  sync: "sync",
  /** One job a Pod: waiting while Pending, active while it runs. */
  pods: "pods",
  /** Repeatable: removes finished Jobs after their TTL, expired Events, old finished Pods. */
  cleanup: "cleanup",
} as const;

export const syncPayload = z.object({ key: z.string() });
export type SyncPayload = z.infer<typeof syncPayload>;

export const podPayload = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
});
export type PodPayload = z.infer<typeof podPayload>;

/** What operators see of ended Pods in the queue; the Pods themselves are in the store. */
const KEEP_ENDED_PODS = 1_000;

const syncOptions = (key: string): JobsOptions => ({
  // One sync of a key at a time; a wake-up during one runs it once more.
  deduplication: { id: key, keepLastIfActive: true },
  removeOnComplete: true,
  removeOnFail: 100,
});

export class Queues {
  readonly sync: Queue<SyncPayload>;
  readonly pods: Queue<PodPayload>;
  readonly #prefix: string;

  constructor(store: Store) {
    this.#prefix = queuePrefix(store);
    const connection = connect(store.connection);
    this.sync = new Queue<SyncPayload>(queueNames.sync, { connection, prefix: this.#prefix });
    this.pods = new Queue<PodPayload>(queueNames.pods, { connection, prefix: this.#prefix });
    this.#close = async () => {
      await Promise.all([this.sync.close(), this.pods.close()]);
      await connection.quit().catch(() => connection.disconnect());
    };
  }

  readonly #close: () => Promise<void>;

  /** Asks for a sync of each key. Losing this call is mended by the dirty marks of the store. */
  async wake(keys: readonly string[]): Promise<void> {
    const [first] = keys;
    if (first === undefined) return;
    if (keys.length === 1) {
      await this.sync.add(first, { key: first }, syncOptions(first));
      return;
    }
    await this.sync.addBulk(
      keys.map((key) => ({ name: key, data: { key }, opts: syncOptions(key) })),
    );
  }

  /** Puts Pods on the queue; those already there stay as they are (the uid is the job id). */
  async enqueuePods(pods: readonly PodPayload[]): Promise<void> {
    await this.pods.addBulk(
      pods.map(({ namespace, name, uid }) => ({
        name: `${namespace}/${name}`,
        data: { namespace, name, uid },
        opts: {
          jobId: uid,
          attempts: 1,
          removeOnComplete: { count: KEEP_ENDED_PODS },
          removeOnFail: { count: KEEP_ENDED_PODS },
        },
      })),
    );
  }

  close(): Promise<void> {
    return this.#close();
  }
}
