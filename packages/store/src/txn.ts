// A transaction: writes with their preconditions and index changes, applied whole or not at all.
import type { Resource } from "./keys.ts";

/** Commands that a transaction may run on keys beside the objects. */
type SideCommand =
  | "ZADD"
  | "ZREM"
  | "HSET"
  | "HDEL"
  | "RPUSH"
  | "LTRIM"
  | "XADD"
  | "DEL"
  | "EXPIRE";

/** What an update or deletion expects: a resourceVersion, or `"any"` version. */
export type Expected = string;

const expectedArg = (expected: Expected): string => (expected === "any" ? "" : expected);

export class Txn {
  readonly args: (string | number)[] = [];
  size = 0;

  create(resource: Resource, key: string, body: string): this {
    return this.#push("c", resource, key, body);
  }

  /** `prev` tells watchers with selectors what labels and fields were before, where they changed. */
  update(resource: Resource, key: string, expected: Expected, body: string, prev = ""): this {
    return this.#push("u", resource, key, expectedArg(expected), body, prev);
  }

  delete(resource: Resource, key: string, expected: Expected): this {
    return this.#push("d", resource, key, expectedArg(expected));
  }

  /** The transaction applies only if the object is at this version (`any`: there at all). */
  check(resource: Resource, key: string, expected: Expected): this {
    return this.#push("?", resource, key, expectedArg(expected));
  }

  /** ... only if there is no such object. */
  checkAbsent(resource: Resource, key: string): this {
    return this.#push("?", resource, key, "-");
  }

  add(setSuffix: string, member: string): this {
    return this.#push("+", setSuffix, member);
  }

  remove(setSuffix: string, member: string): this {
    return this.#push("-", setSuffix, member);
  }

  side(command: SideCommand, keySuffix: string, ...args: readonly (string | number)[]): this {
    return this.#push("r", 2 + args.length, command, keySuffix, ...args);
  }

  /** Puts jobs on a BullMQ queue; those that are there already stay as they are. */
  enqueue(
    queue: string,
    jobs: readonly { readonly id: string; readonly name: string; readonly data: string }[],
    how: { readonly nowMs: number; readonly options: string },
  ): this {
    if (jobs.length === 0) return this;
    this.#push("q", 3 + 3 * jobs.length, queue, how.nowMs, how.options);
    for (const { id, name, data } of jobs) this.args.push(id, name, data);
    return this;
  }

  /** Marks a sync key (`jobs|ns/name`) as having something to look at, and wakes a scheduler. */
  dirty(syncKey: string): this {
    return this.#push("m", syncKey);
  }

  /** Takes the mark away, unless another wake-up came since `count` was read. */
  clean(syncKey: string, count: string): this {
    return this.#push("x", syncKey, count);
  }

  #push(...args: (string | number)[]): this {
    for (const arg of args) this.args.push(arg);
    this.size += 1;
    return this;
  }
}

export type CommitResult =
  | {
      readonly ok: true;
      /** One a create, update and delete, in order. */ readonly rvs: readonly string[];
    }
  | {
      readonly ok: false;
      readonly reason: "exists" | "missing" | "stale";
      /** Position of the operation. */ readonly at: number;
    };
