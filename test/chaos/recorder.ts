// Watches one resource through everything, as a careful client does, and checks what a watch promises (G6).
import type { ApiClient } from "./api-client.ts";
import type { Random } from "../simulation/random.ts";
import { pause, uptime } from "./uptime.ts";

export interface ApiObject {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { kind: string; name: string; uid: string }[];
  };
  readonly spec: { readonly [key: string]: unknown };
  readonly status?: { readonly [key: string]: unknown };
}

/** One change, in the order of the cell's revisions. */
export interface Change {
  readonly revision: number;
  /** Uptime at which the recorder was told. */
  readonly at: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: ApiObject;
  /** Found by listing again after 410: changes before it may be missing. */
  readonly afterGap: boolean;
}

interface Frame {
  readonly type: string;
  readonly object: ApiObject & { readonly code?: number };
}

interface ListBody {
  readonly items?: readonly ApiObject[];
  readonly metadata: { readonly resourceVersion: string };
}

const RETRY_MS = 200;
const SILENT_MS = 40_000;

export class Recorder {
  readonly resource: string;
  readonly #api: ApiClient;
  readonly #path: string;
  readonly #random: Random;
  readonly #known = new Map<string, ApiObject>();
  #revision: number | null = null;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  #current: { destroy(): void } | undefined;
  readonly changes: Change[] = [];
  readonly violations: string[] = [];
  watches = 0;
  /** Where the server answered 410 and everything was listed again: changes in between were not seen. */
  readonly gaps: { readonly from: number; readonly to: number }[] = [];
  #expiredAt: number | null = null;

  constructor(api: ApiClient, resource: string, path: string, random: Random) {
    this.#api = api;
    this.resource = resource;
    this.#path = path;
    this.#random = random;
  }

  get known(): ReadonlyMap<string, ApiObject> {
    return this.#known;
  }

  /** Resolves once the first list is read; from then on nothing is missed. */
  async start(): Promise<void> {
    this.#running = this.#run();
    while (this.#revision === null) await pause(RETRY_MS);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#current?.destroy();
    await this.#running;
  }

  /** What a fresh list says otherwise than the replayed changes; empty when they agree. */
  async differences(): Promise<string[]> {
    const { status, body } = await this.#api.once("GET", this.#path);
    if (status !== 200) return [`list of ${this.resource}: ${status}`];
    const listed = new Map(
      ((body as unknown as ListBody).items ?? []).map((one) => [keyOf(one), one]),
    );
    const found: string[] = [];
    for (const [key, object] of listed) {
      const mine = this.#known.get(key);
      const [want, have] = [canonical(object), mine === undefined ? "nothing" : canonical(mine)];
      if (want !== have) found.push(`${this.resource} ${key}: list ${want}; watch ${have}`);
    }
    for (const key of this.#known.keys()) {
      if (!listed.has(key)) found.push(`${this.resource} ${key} is not listed and was not DELETED`);
    }
    return found;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (this.#revision === null) await this.#list();
        else await this.#watch(this.#revision);
      } catch {
        // A server out of reach: from where we stood, again.
      }
      if (!this.#stopped) await pause(RETRY_MS);
    }
  }

  async #list(): Promise<void> {
    const { status, body } = await this.#api.once("GET", this.#path);
    if (status !== 200) return;
    const { items = [], metadata } = body as unknown as ListBody;
    const gone = new Map(this.#known);
    const revision = Number(metadata.resourceVersion);
    for (const object of items) {
      const key = keyOf(object);
      const before = gone.get(key);
      if (before?.metadata.uid === object.metadata.uid) {
        gone.delete(key);
        if (before.metadata.resourceVersion === object.metadata.resourceVersion) continue;
        this.#take({ type: "MODIFIED", object }, Number(object.metadata.resourceVersion), true);
      } else this.#take({ type: "ADDED", object }, Number(object.metadata.resourceVersion), true);
    }
    for (const object of gone.values()) {
      if (this.#known.get(keyOf(object))?.metadata.uid !== object.metadata.uid) continue;
      this.#take({ type: "DELETED", object }, revision, true);
    }
    if (this.#expiredAt !== null) this.gaps.push({ from: this.#expiredAt, to: revision });
    this.#expiredAt = null;
    this.#revision = revision;
  }

  async #watch(from: number): Promise<void> {
    const seconds = this.#random.int(3, 20);
    const query = `watch=1&allowWatchBookmarks=true&resourceVersion=${from}&timeoutSeconds=${seconds}`;
    const response = await this.#api.stream(`${this.#path}?${query}`, SILENT_MS);
    this.#current = response;
    this.watches += 1;
    try {
      if (response.statusCode === 410) return this.#expired();
      if (response.statusCode !== 200) return;
      let rest = "";
      response.setEncoding("utf8");
      for await (const part of response) {
        const lines = (rest + String(part)).split("\n");
        // A line that a broken connection cut short is no event; the next watch brings it whole.
        rest = lines.pop() ?? "";
        for (const line of lines) {
          if (line !== "" && !this.#told(JSON.parse(line) as Frame)) return;
        }
      }
    } finally {
      response.destroy();
    }
  }

  /** Whether the watch goes on. */
  #told({ type, object }: Frame): boolean {
    if (type === "ERROR") {
      if (object.code === 410) this.#expired();
      return false;
    }
    const revision = Number(object.metadata.resourceVersion);
    if (type === "BOOKMARK") {
      if (revision < (this.#revision ?? 0)) this.#violated(`bookmark ${revision} goes back`);
      this.#revision = Math.max(revision, this.#revision ?? 0);
      return true;
    }
    if (revision <= (this.#revision ?? 0)) {
      this.#violated(`${type} ${keyOf(object)} at ${revision}, after ${this.#revision}`);
    }
    const before = this.#known.get(keyOf(object));
    const same = before?.metadata.uid === object.metadata.uid;
    if (type === "ADDED" && before !== undefined) {
      this.#violated(`ADDED ${keyOf(object)} at ${revision}, which was there already`);
    } else if (type !== "ADDED" && !same) {
      this.#violated(`${type} ${keyOf(object)} at ${revision}, which was not there`);
    }
    this.#take({ type: type as Change["type"], object }, revision, false);
    this.#revision = revision;
    return true;
  }

  #expired(): void {
    this.#expiredAt = this.#revision;
    this.#revision = null;
  }

  #take(
    { type, object }: Pick<Change, "type" | "object">,
    revision: number,
    afterGap: boolean,
  ): void {
    if (type === "DELETED") this.#known.delete(keyOf(object));
    else this.#known.set(keyOf(object), object);
    this.changes.push({ revision, at: uptime(), type, object, afterGap });
  }

  #violated(what: string): void {
    this.violations.push(`G6 watch of ${this.resource}: ${what}`);
  }
}

export const keyOf = ({ metadata }: ApiObject): string => `${metadata.namespace}/${metadata.name}`;

/** Keys sorted; kind and apiVersion, which items of a list do not carry, left out. */
const canonical = (value: ApiObject): string => {
  const sorted = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(sorted);
    if (part === null || typeof part !== "object") return part;
    return Object.fromEntries(
      Object.entries(part)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, inner]) => [key, sorted(inner)]),
    );
  };
  const {
    kind: _kind,
    apiVersion: _version,
    ...rest
  } = value as ApiObject & {
    kind?: string;
    apiVersion?: string;
  };
  return JSON.stringify(sorted(rest));
};
