// Secrets that none of the keys opens: one of them must not keep clients from the others.
import type { Stored, StoredObject } from "@gantry/store";
import type { Logger } from "pino";
import { Counter, type Registry } from "prom-client";

/** On such a Secret, in lists and watches: why its data is not shown. */
const UNREADABLE = "gantry.dev/unreadable";

/** Beyond this many, single ones are not told any more. */
const LOGGED_MAX = 1000;

/** What is readable of it: what kubectl get, a selector, or a deletion needs. */
export const withheld = (stored: Stored<StoredObject>, why: string): Stored<StoredObject> => {
  const { sealed: _, ...rest } = stored.value;
  const metadata = { ...rest.metadata, annotations: { [UNREADABLE]: why } };
  return { ...stored, value: { ...rest, metadata } };
};

export class UnreadableSecrets {
  readonly #log: Pick<Logger, "error"> | undefined;
  readonly #logged = new Set<string>();
  #reads: Counter | undefined;

  constructor(log?: Pick<Logger, "error">) {
    this.#log = log;
  }

  /** Once for each registry. */
  register(registry: Registry): void {
    this.#reads = new Counter({
      name: "gantry_api_unreadable_secrets_total",
      help: "Reads of Secrets that none of the keys opened.",
      registers: [registry],
    });
  }

  /** Each Secret is logged once. */
  met(key: string, uid: string, why: string): void {
    this.#reads?.inc();
    if (this.#logged.has(uid) || this.#logged.size >= LOGGED_MAX) return;
    this.#logged.add(uid);
    this.#log?.error({ secret: key, reason: why }, "a Secret can't be read");
  }
}
