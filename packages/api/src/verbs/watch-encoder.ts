// Turns each change into text once, however many clients watch it.
import {
  type ObjectOf,
  type Resource,
  type WatchChange,
  MalformedRecordError,
} from "@gantry/store";
import type { AnyStored, Objects } from "../registry/objects.ts";
import type { ApiObject, Strategy } from "../registry/strategy.ts";

type EventType = "ADDED" | "MODIFIED" | "DELETED";

export class EncodedEvent {
  readonly object: ApiObject;
  readonly #lines = new Map<EventType, Buffer>();
  #text: string | undefined;

  constructor(object: ApiObject) {
    this.object = object;
  }

  /** The line of a JSON watch; the same bytes for all who get it. */
  line(type: EventType): Buffer {
    let line = this.#lines.get(type);
    if (line === undefined) {
      this.#text ??= JSON.stringify(this.object);
      line = Buffer.from(`{"type":"${type}","object":${this.#text}}\n`, "utf8");
      this.#lines.set(type, line);
    }
    return line;
  }
}

type Encoding = EncodedEvent | null | Promise<EncodedEvent | null>;

const encoders = new WeakMap<Objects, Map<Strategy, EventEncoder>>();

export class EventEncoder {
  readonly #objects: Objects;
  readonly #strategy: Strategy;
  /** Changes live as long as a watcher holds them. */
  readonly #encoded = new WeakMap<WatchChange, { result: Encoding }>();

  constructor(objects: Objects, strategy: Strategy) {
    this.#objects = objects;
    this.#strategy = strategy;
  }

  /** One for all watchers of a kind. */
  static of(objects: Objects, strategy: Strategy): EventEncoder {
    const known = encoders.get(objects) ?? new Map<Strategy, EventEncoder>();
    encoders.set(objects, known);
    const encoder = known.get(strategy) ?? new EventEncoder(objects, strategy);
    known.set(strategy, encoder);
    return encoder;
  }

  /** `null` for a record that can't be read. */
  encode(change: WatchChange): Encoding {
    const known = this.#encoded.get(change);
    if (known !== undefined) return known.result;
    const entry: { result: Encoding } = { result: null };
    this.#encoded.set(change, entry);
    entry.result = this.#render(change).then((event) => {
      // Later watchers need not wait a turn.
      entry.result = event;
      return event;
    });
    return entry.result;
  }

  async #render(change: WatchChange): Promise<EncodedEvent | null> {
    try {
      const value: ObjectOf<Resource> = change.object();
      const stored = { rv: change.rv, key: change.key, value } as AnyStored;
      return new EncodedEvent(await this.#objects.render(this.#strategy, stored));
    } catch (error) {
      if (error instanceof MalformedRecordError) return null;
      throw error;
    }
  }
}
