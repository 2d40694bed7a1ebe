// Refuses Pods and templates that the runtime they are for can't run, by what workers publish.
import {
  type AdmittedPod,
  admitOnRuntime,
  fieldPath,
  forbiddenField,
  hasAdmission,
  invalidObject,
  type KnownRuntimes,
  runtimesOfNodes,
  semanticEqual,
  type WireNode,
} from "@gantry/core";
import type { Store } from "@gantry/store";
import { type ApiObject, nameOf, namespaceOf, type Strategy } from "../registry/strategy.ts";

/** How old what is known may be where a runtime is named that has rules. */
const FRESH_MS = 2_000;
/** And where none is named: such Pods are not kept waiting for Nodes to be read. */
const STALE_MS = 5_000;

interface Seen {
  readonly runtimes: KnownRuntimes;
  readonly atMs: number;
}

export class RuntimeGate {
  readonly #store: Pick<Store, "listAll">;
  readonly #nowMs: () => number;
  #seen: Seen | undefined;
  #reading: Promise<Seen> | undefined;

  constructor(store: Pick<Store, "listAll">, nowMs: () => number) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  /**
   * Warnings about what the runtime ignores. Throws a 422 that names each field it can't honour.
   * `old`: of an update, which is let through when it leaves the Pods as they are.
   */
  async admit(strategy: Strategy, object: ApiObject, old?: ApiObject): Promise<string[]> {
    const found = strategy.podTemplate?.(object);
    const spec = found?.template?.spec;
    if (found === undefined || spec === undefined) return [];
    if (!hasAdmission(spec.runtimeClassName)) return [];
    if (old !== undefined && semanticEqual(found.template, strategy.podTemplate?.(old).template)) {
      return [];
    }
    const pod: AdmittedPod = {
      namespace: namespaceOf(object),
      annotations: found.template?.metadata?.annotations ?? {},
      spec,
    };
    const known = await this.#known(Boolean(spec.runtimeClassName));
    const verdict = admitOnRuntime(known, pod);
    if (verdict === undefined) return [];
    const at = (path: string): string => `${fieldPath(...found.path, "spec").toString()}.${path}`;
    const { runtime, rejections, warnings } = verdict;
    if (rejections.length > 0) {
      const errors = rejections.map(({ path, message }) =>
        forbiddenField(at(path), `not supported by runtime ${runtime}: ${message}`),
      );
      throw invalidObject(strategy.kind, strategy.group, nameOf(object), errors);
    }
    return warnings.map(({ path, message }) => `${at(path)}: runtime ${runtime}: ${message}`);
  }

  async #known(named: boolean): Promise<KnownRuntimes> {
    const ageMs =
      this.#seen === undefined ? Number.POSITIVE_INFINITY : this.#nowMs() - this.#seen.atMs;
    if (this.#seen !== undefined && ageMs < (named ? FRESH_MS : STALE_MS))
      return this.#seen.runtimes;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    if (this.#seen === undefined || named) return (await this.#reading).runtimes;
    // The next one knows better; a failure shows where the answer is needed.
    this.#reading.catch(() => {});
    return this.#seen.runtimes;
  }

  async #read(): Promise<Seen> {
    const atMs = this.#nowMs();
    const { items } = await this.#store.listAll("nodes");
    const nodes = items.map(({ value }) => value as WireNode);
    this.#seen = { runtimes: runtimesOfNodes(nodes), atMs };
    return this.#seen;
  }
}
