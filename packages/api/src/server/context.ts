// What every handler works with.
import { randomBytes, randomUUID } from "node:crypto";
import { suffixAlphabet, suffixLength } from "@gantry/core";
import type { Queues, Store, WatchHub } from "@gantry/store";
import type { Logger } from "pino";
import type { Objects } from "../registry/objects.ts";
import type { RuntimeGate } from "../runtimes/runtime-gate.ts";
import type { Admission } from "../overload/admission.ts";
import type { NamespaceCache } from "./namespace-cache.ts";
import type { Snapshots } from "../verbs/snapshots.ts";

export interface ApiContext {
  readonly store: Store;
  readonly hub: WatchHub;
  readonly queues: Queues;
  readonly objects: Objects;
  readonly namespaces: NamespaceCache;
  readonly snapshots: Snapshots;
  readonly admission: Admission;
  readonly runtimes: RuntimeGate;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** PEM text by which clients trust this server; empty without TLS. */
  readonly certificate: string;
  /** Those under way. */
  readonly watchers: Set<{ end(): void }>;
  /** Ends followed logs when the server closes. */
  readonly closing: AbortSignal;
}

export const newUid = (): string => randomUUID();

/** Random characters of a generated name (M4), each alike probable. */
export const newSuffix = (length: number = suffixLength): string => {
  let suffix = "";
  // Bytes beyond the last whole multiple of the alphabet would favour its first letters.
  const limit = 256 - (256 % suffixAlphabet.length);
  while (suffix.length < length) {
    for (const byte of randomBytes(length * 2)) {
      if (byte < limit && suffix.length < length)
        suffix += suffixAlphabet[byte % suffixAlphabet.length];
    }
  }
  return suffix;
};
