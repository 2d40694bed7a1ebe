// The state of Jobs and CronJobs as metrics: rendered once per change of an object, not once per scrape.
import {
  cronJobSamples,
  jobSamples,
  type MetadataAllowList,
  type Sample,
  type StateFamily,
  stateFamilies,
  type WireCronJob,
  type WireJob,
} from "@gantry/core";
import {
  compareRevisions,
  type Resource,
  type Store,
  type Stored,
  type StoredObject,
  type Subscription,
  type WatchChange,
  type WatchHub,
} from "@gantry/store";

type Watched = "jobs" | "cronjobs";

/** Lines of one object by family, as they stand in the answer. */
type Lines = ReadonlyMap<StateFamily, string>;

interface Entry {
  readonly rv: string;
  readonly lines: Lines;
}

export const escaped = (value: string): string =>
  value.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/"/g, '\\"');

export function sampleLine({ family, labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([name, text]) => `${name}="${escaped(text)}"`);
  return `${family}{${pairs.join(",")}} ${value}\n`;
}

function linesOf(samples: readonly Sample[]): Lines {
  const lines = new Map<StateFamily, string>();
  for (const sample of samples) {
    lines.set(sample.family, (lines.get(sample.family) ?? "") + sampleLine(sample));
  }
  return lines;
}

function render(resource: Watched, stored: Stored<unknown>, allow: MetadataAllowList): Lines {
  const value = stored.value as StoredObject;
  const object = { ...value, metadata: { ...value.metadata, resourceVersion: stored.rv } };
  return linesOf(
    resource === "jobs"
      ? jobSamples(object as WireJob, allow)
      : cronJobSamples(object as WireCronJob, allow),
  );
}

/** Characters of one piece of the answer: large enough to be cheap, small enough not to block. */
const PIECE_LENGTH = 65_536;

const families = Object.keys(stateFamilies) as StateFamily[];

export interface StateCacheOptions {
  readonly store: Store;
  readonly hub: WatchHub;
  readonly allow?: MetadataAllowList;
  readonly onError: (error: unknown) => void;
}

export class StateCache {
  readonly #options: StateCacheOptions;
  readonly #entries: Record<Watched, Map<string, Entry>> = {
    jobs: new Map(),
    cronjobs: new Map(),
  };
  #started: Promise<void> | undefined;
  #subscriptions: Subscription[] = [];
  #closed = false;

  constructor(options: StateCacheOptions) {
    this.#options = options;
  }

  /**
   * The answer in pieces, complete families one after the other. The first call reads every Job
   * and CronJob; later ones show what the watch brought since. Rejects when the store can't be read.
   */
  async *pieces(): AsyncGenerator<string> {
    await this.#ready();
    for (const family of families) {
      const entries = this.#entries[family.startsWith("kube_job_") ? "jobs" : "cronjobs"];
      let piece = `# HELP ${family} ${stateFamilies[family]}\n# TYPE ${family} gauge\n`;
      const empty = piece.length;
      for (const { lines } of entries.values()) {
        piece += lines.get(family) ?? "";
        if (piece.length < PIECE_LENGTH) continue;
        yield piece;
        piece = "";
      }
      // A family without samples is not shown.
      if (piece.length !== empty || !piece.startsWith("# HELP")) yield piece;
    }
  }

  async #ready(): Promise<void> {
    this.#started ??= this.#start();
    try {
      await this.#started;
    } catch (error) {
      this.#started = undefined;
      throw error;
    }
  }

  async #start(): Promise<void> {
    await Promise.all([this.#follow("jobs"), this.#follow("cronjobs")]);
  }

  async #follow(resource: Watched): Promise<void> {
    const { store, hub, allow = {} } = this.#options;
    const { rv, items } = await store.listAll(resource);
    const entries = this.#entries[resource];
    entries.clear();
    for (const item of items) {
      entries.set(item.key, { rv: item.rv, lines: render(resource, item, allow) });
    }
    const apply = (changes: readonly WatchChange[]): void => {
      for (const change of changes) this.#apply(resource, change);
    };
    const subscription = await hub.subscribe(resource, rv, apply, () => this.reset());
    if (this.#closed) subscription.close();
    else this.#subscriptions.push(subscription);
  }

  #apply(resource: Watched, change: WatchChange): void {
    const entries = this.#entries[resource];
    const known = entries.get(change.key);
    if (known !== undefined && compareRevisions(change.rv, known.rv) <= 0) return;
    if (change.type === "DELETED") {
      entries.delete(change.key);
      return;
    }
    try {
      const stored = { rv: change.rv, key: change.key, value: change.object<Resource>() };
      const lines = render(resource, stored, this.#options.allow ?? {});
      entries.set(change.key, { rv: change.rv, lines });
    } catch (error) {
      this.#options.onError(error);
    }
  }

  /** What was seen may have been undone: the next answer reads everything again. */
  reset(): void {
    for (const subscription of this.#subscriptions) subscription.close();
    this.#subscriptions = [];
    this.#started = undefined;
  }

  close(): void {
    this.#closed = true;
    this.reset();
  }
}
