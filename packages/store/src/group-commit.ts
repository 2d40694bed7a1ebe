// Sends transactions to Redis in groups: what arrives while a group is under way goes with the next one.
import type { RedisClient } from "./connection.ts";
import { suffix } from "./keys.ts";
import { script } from "./script.ts";
import type { CommitResult, Txn } from "./txn.ts";

const commitScript = script("commit", "lib/work-queue", "lib/pod-queue");

/** Enough to amortise a round trip; few enough that one group holds Redis for a millisecond or two. */
const GROUP_OPERATIONS_MAX = 2_000;

/** Groups under way at once: the next is being sent while one is applied. */
const GROUPS_IN_FLIGHT_MAX = 2;

const reasons = { 1: "exists", 2: "missing", 3: "stale" } as const;

const parseResult = (reply: unknown): CommitResult => {
  const [code, ...rest] = reply as [number, ...unknown[]];
  if (code === 0) return { ok: true, rvs: rest as string[] };
  const reason = reasons[code as keyof typeof reasons];
  return { ok: false, reason, at: rest[0] as number };
};

interface Waiting {
  readonly txn: Txn;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #redis: RedisClient;
  readonly #prefix: string;
  readonly #watchLength: number;
  #waiting: Waiting[] = [];
  #inFlight = 0;
  #scheduled = false;

  constructor(redis: RedisClient, prefix: string, watchLength: number) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#watchLength = watchLength;
  }

  /**
   * Resolves with the outcome; a failed precondition is an outcome. Rejects on faults of the
   * connection, after which the transaction may or may not have been applied.
   */
  commit(txn: Txn): Promise<CommitResult> {
    if (txn.size === 0) return Promise.resolve({ ok: true, rvs: [] });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ txn, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= GROUPS_IN_FLIGHT_MAX) return;
    this.#scheduled = true;
    // A microtask: everything that the current turn commits goes together.
    queueMicrotask(() => {
      this.#scheduled = false;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const group: Waiting[] = [];
    let operations = 0;
    for (const waiting of this.#waiting) {
      if (group.length > 0 && operations + waiting.txn.size > GROUP_OPERATIONS_MAX) break;
      operations += waiting.txn.size;
      group.push(waiting);
    }
    if (group.length === 0) return;
    this.#waiting = this.#waiting.slice(group.length);
    this.#inFlight += 1;
    try {
      const args: (string | number)[] = [this.#prefix, this.#watchLength, group.length];
      for (const { txn } of group) {
        args.push(txn.size);
        for (const arg of txn.args) args.push(arg);
      }
      const replies = (await commitScript.run(
        this.#redis,
        [this.#prefix + suffix.revision],
        args,
      )) as unknown[];
      for (const [n, waiting] of group.entries()) waiting.resolve(parseResult(replies[n]));
    } catch (error) {
      for (const waiting of group) waiting.reject(error);
    } finally {
      this.#inFlight -= 1;
      if (this.#waiting.length > 0) this.#schedule();
    }
  }
}
