// What was last seen of each namespace. A hint: every transaction that relies on it checks it.
import { namespaceTerminating, notFound } from "@gantry/core";
import type { Store, StoredObject, Txn } from "@gantry/store";

interface Seen {
  readonly rv: string;
  readonly terminating: boolean;
}

/** Namespaces remembered at most; far more than an installation has. */
const REMEMBERED_MAX = 10_000;

export class NamespaceCache {
  readonly #store: Store;
  readonly #seen = new Map<string, Seen>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Throws 404 for an unknown namespace, 403 for one that is being deleted. */
  async assertOpen(namespace: string, plural: string, group: string, name: string): Promise<void> {
    const seen = this.#seen.get(namespace) ?? (await this.#look(namespace));
    if (seen === undefined) throw notFound("namespaces", "", namespace);
    if (seen.terminating) throw namespaceTerminating(plural, group, name, namespace);
  }

  /** The transaction applies only while the namespace is as it was seen. */
  guard(txn: Txn, namespace: string): void {
    txn.check("namespaces", namespace, this.#seen.get(namespace)?.rv ?? "any");
  }

  forget(namespace: string): void {
    this.#seen.delete(namespace);
  }

  async #look(namespace: string): Promise<Seen | undefined> {
    const stored = await this.#store.get("namespaces", namespace);
    if (stored === null) return undefined;
    const object: StoredObject = stored.value;
    const seen = {
      rv: stored.rv,
      terminating: object.metadata.deletionTimestamp !== undefined,
    };
    if (this.#seen.size >= REMEMBERED_MAX) this.#seen.clear();
    // A closed namespace is looked up each time, so that its successor is seen at once.
    if (!seen.terminating) this.#seen.set(namespace, seen);
    return seen;
  }
}
