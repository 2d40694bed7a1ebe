// The Nodes of the cell as a worker sees them: read once, then followed by a watch.
import { placementNode, type PlacementNode, type WireNode } from "@gantry/core";
import { type Store, type StoredObject, type Subscription, WatchHub } from "@gantry/store";
import type { Logger } from "pino";

export class NodeView {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #hub: WatchHub;
  readonly #onChange: (name: string, node: StoredObject | null) => void;
  readonly #nodes = new Map<string, PlacementNode>();
  #subscription: Subscription | undefined;

  /** `onChange` hears of every change, and of every Node at each full read; null: it is gone. */
  constructor(
    store: Store,
    log: Logger,
    onChange: (name: string, node: StoredObject | null) => void,
  ) {
    this.#store = store;
    this.#log = log;
    this.#hub = new WatchHub(store);
    this.#onChange = onChange;
  }

  get all(): readonly PlacementNode[] {
    return [...this.#nodes.values()];
  }

  async open(): Promise<void> {
    const revision = await this.#store.revision();
    await this.refresh();
    this.#subscription = await this.#hub.subscribe("nodes", revision, (changes) => {
      for (const change of changes) {
        try {
          this.#set(change.key, change.type === "DELETED" ? null : change.object<"nodes">());
        } catch (error) {
          this.#log.error({ err: error, node: change.key }, "a stored node is malformed");
        }
      }
    });
  }

  /** Reads all again: a server that was lost may have lost changes with it. */
  async refresh(): Promise<void> {
    const names = await this.#store.keys("nodes");
    const found = await this.#store.getMany("nodes", names);
    for (const name of this.#nodes.keys()) if (!names.includes(name)) this.#set(name, null);
    for (const node of found) if (node !== null) this.#set(node.key, node.value);
  }

  #set(name: string, node: StoredObject | null): void {
    if (node === null) this.#nodes.delete(name);
    else this.#nodes.set(name, placementNode(node as WireNode));
    this.#onChange(name, node);
  }

  close(): void {
    this.#subscription?.close();
    this.#hub.close();
  }
}
