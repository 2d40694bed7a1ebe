// Between stored records and the objects that clients see, for all kinds alike.
import {
  blank,
  internal,
  type Job,
  podLabels,
  type PodRecord,
  recordFromPod,
  releasePod,
  semanticEqual,
  renderPod,
  type WirePod,
  withoutEmpty,
} from "@gantry/core";
import {
  createObject,
  createPod,
  gcKey,
  type ObjectOf,
  openSecret,
  type PodTemplate,
  removeObject,
  type Resource,
  SealedSecretError,
  type SecretBox,
  type Store,
  type Stored,
  type StoredObject,
  type Templates,
  type Txn,
  updateObject,
  updatePod,
  writePod,
} from "@gantry/store";
import { packManagedFields, unpackManagedFields } from "../apply/shared-fields.ts";
import type { ApiObject, Strategy } from "./strategy.ts";
import { UnreadableSecrets, withheld } from "./unreadable-secrets.ts";

export type AnyStored = Stored<ObjectOf<Resource>>;

/** M9: a Job without labels shows its template's, on every read. */
const withJobLabels = (job: Job): Job["metadata"] => {
  const { metadata } = job;
  if (metadata.labels !== undefined && Object.keys(metadata.labels).length > 0) return metadata;
  const labels = job.spec.template.metadata?.labels;
  return labels === undefined ? metadata : { ...blank, ...metadata, labels };
};

const renderOpen = (strategy: Strategy, stored: Stored<StoredObject>): ApiObject => {
  const { metadata: _, kind: _kind, apiVersion: _version, ...rest } = stored.value;
  const metadata =
    strategy.resource === "jobs"
      ? withJobLabels(stored.value as unknown as Job)
      : stored.value.metadata;
  const { name, generateName, namespace, uid, managedFields, ...others } = metadata;
  const object = {
    kind: strategy.kind,
    apiVersion: strategy.apiVersion,
    // In Kubernetes' order of keys.
    metadata: withoutEmpty({
      name,
      generateName,
      namespace,
      uid,
      resourceVersion: stored.rv,
      ...others,
      managedFields: unpackManagedFields(managedFields),
    }),
    ...rest,
  };
  return strategy.show?.(object) ?? object;
};

const withFields = (object: ApiObject, fields: unknown): ApiObject =>
  fields === undefined
    ? object
    : ({
        ...blank,
        ...object,
        metadata: { ...blank, ...object.metadata, managedFields: fields },
      } as ApiObject);

const showPod = (
  pod: PodRecord,
  template: PodTemplate | undefined,
  resourceVersion: string,
): ApiObject => {
  const object = renderPod(pod, template, resourceVersion) as ApiObject;
  return withFields(object, unpackManagedFields(pod.meta?.managedFields));
};

/** As it is stored. */
const hidePod = (object: ApiObject): WirePod =>
  withFields(object, packManagedFields(object.metadata?.managedFields)) as WirePod;

export class Objects {
  readonly store: Store;
  readonly templates: Templates;
  /** Encrypts Secrets; without it they are stored as they are. */
  readonly #secrets: SecretBox | undefined;
  readonly #unreadable: UnreadableSecrets;

  constructor(
    store: Store,
    templates: Templates,
    secrets?: SecretBox,
    unreadable = new UnreadableSecrets(),
  ) {
    this.store = store;
    this.templates = templates;
    this.#secrets = secrets;
    this.#unreadable = unreadable;
  }

  /** To be written even if nothing changes in it: a Secret under a key that was rotated out. */
  isStale(strategy: Strategy, stored: AnyStored): boolean {
    if (strategy.resource !== "secrets" || this.#secrets === undefined) return false;
    return this.#secrets.isStale(stored.value as StoredObject);
  }

  #toStored(strategy: Strategy, object: ApiObject): StoredObject {
    const value = toStored(strategy, object);
    if (strategy.resource !== "secrets" || this.#secrets === undefined) return value;
    return this.#secrets.seal(value);
  }

  async get(strategy: Strategy, key: string): Promise<AnyStored | null> {
    const stored = await this.store.get(strategy.resource, key);
    return stored ?? (await strategy.derived?.get(this.store, key)) ?? null;
  }

  /** As `render`, of an object that is needed whole. Throws 500 for a Secret that can't be opened. */
  async renderWhole(strategy: Strategy, stored: AnyStored): Promise<ApiObject> {
    if (strategy.resource !== "secrets") return this.render(strategy, stored);
    const opened = this.#open(stored as Stored<StoredObject>);
    if (typeof opened !== "string") return renderOpen(strategy, opened);
    throw internal(
      `the Secret ${stored.key} can't be read: ${opened}; delete it and create it again`,
    );
  }

  /** As clients see it. A Secret that can't be opened has no data, and an annotation that says why. */
  async render(strategy: Strategy, stored: AnyStored): Promise<ApiObject> {
    if (strategy.resource === "secrets") {
      return this.#renderSecret(strategy, stored as Stored<StoredObject>);
    }
    if (strategy.resource !== "pods") {
      return renderOpen(strategy, stored as Stored<StoredObject>);
    }
    const pod = stored.value as PodRecord;
    const template = pod.template === undefined ? undefined : await this.templates.of(pod);
    return showPod(pod, template, stored.rv);
  }

  async renderAll(strategy: Strategy, stored: readonly AnyStored[]): Promise<ApiObject[]> {
    if (strategy.resource === "secrets") {
      return stored.map((one) => this.#renderSecret(strategy, one as Stored<StoredObject>));
    }
    if (strategy.resource !== "pods") {
      return stored.map((one) => renderOpen(strategy, one as Stored<StoredObject>));
    }
    const pods = stored as readonly Stored<PodRecord>[];
    const templates = await this.templates.ofAll(pods.map(({ value }) => value));
    return pods.map(({ value, rv }, n) => showPod(value, templates[n], rv));
  }

  #renderSecret(strategy: Strategy, stored: Stored<StoredObject>): ApiObject {
    const opened = this.#open(stored);
    return renderOpen(strategy, typeof opened === "string" ? withheld(stored, opened) : opened);
  }

  /** Or why it can't be opened. */
  #open(stored: Stored<StoredObject>): Stored<StoredObject> | string {
    try {
      return { ...blank, ...stored, value: openSecret(this.#secrets, stored.value) };
    } catch (error) {
      if (!(error instanceof SealedSecretError)) throw error;
      this.#unreadable.met(stored.key, stored.value.metadata.uid ?? "", error.message);
      return error.message;
    }
  }

  /** Labels of a Pod that has none of its own: those that derive from its template. */
  async derivedPodLabels(pod: PodRecord): Promise<Readonly<Record<string, string>>> {
    const template = await this.templates.of(pod);
    return podLabels(
      { ...blank, ...pod, meta: { ...blank, ...pod.meta, labels: undefined } },
      template,
    );
  }

  create(txn: Txn, strategy: Strategy, object: ApiObject, nowMs: number): AnyStored["value"] {
    if (strategy.resource === "pods") {
      const record = recordFromPod(hidePod(object));
      createPod(txn, record);
      return record;
    }
    const value = this.#toStored(strategy, object);
    createObject(txn, strategy.resource, value as never, nowMs);
    return value;
  }

  /** Writes the next state; an object that is being deleted and that nothing holds any more goes. */
  async update(txn: Txn, strategy: Strategy, before: AnyStored, next: ApiObject): Promise<Written> {
    if (strategy.resource === "pods") {
      const stored = before as Stored<PodRecord>;
      const template = await this.templates.of(stored.value);
      const record = recordFromPod(hidePod(next), stored.value, template);
      return writeNext(txn, stored, record, template);
    }
    const value = this.#toStored(strategy, next);
    const stored = before as Stored<never>;
    updateObject(txn, strategy.resource, stored, value as never);
    const { deletionTimestamp, finalizers } = value.metadata;
    const held = (finalizers ?? []).length > 0 || specFinalizers(value).length > 0;
    const removed = deletionTimestamp !== undefined && !held;
    if (removed) {
      const { resource } = strategy;
      removeObject(txn, resource, { key: stored.key, rv: "any", value: value as never });
      // D4: its deletion was asked for before; what it owned goes only now.
      txn.dirty(gcKey(resource, stored.key, value.metadata.uid));
    }
    return { value, updates: 1 };
  }
}

/**
 * A Pod that a client takes from its Job derives from the template no more. It first leaves with the
 * labels that it had: those who watch by labels are told what they were.
 */
const writeNext = (
  txn: Txn,
  stored: Stored<PodRecord>,
  next: PodRecord,
  template: PodTemplate | undefined,
): Written => {
  const before = stored.value;
  if (next.template === undefined || next.job?.uid === before.job?.uid) {
    writePod(txn, stored, next);
    return { value: next, updates: 1 };
  }
  const { job, tracked } = next;
  const left: PodRecord = { ...blank, ...releasePod(before, template), job, tracked };
  const detached: PodRecord = { ...blank, ...releasePod(next, template), job, tracked };
  if (semanticEqual(left.meta?.labels, detached.meta?.labels)) {
    writePod(txn, stored, detached);
    return { value: detached, updates: 1 };
  }
  updatePod(txn, stored, left);
  writePod(txn, { key: stored.key, rv: "any", value: left }, detached);
  return { value: detached, updates: 2 };
};

/** A Namespace is also held by the finalizers of its spec. */
const specFinalizers = ({ spec }: StoredObject): readonly unknown[] =>
  (spec as { finalizers?: readonly unknown[] } | undefined)?.finalizers ?? [];

export interface Written {
  readonly value: AnyStored["value"];
  /** Changes that watchers see, a revision each; the last is the object's. */
  readonly updates: number;
}

const toStored = (strategy: Strategy, object: ApiObject): StoredObject => {
  const { metadata, ...rest } = strategy.hide?.(object) ?? object;
  const { resourceVersion: _, managedFields, ...kept } = metadata ?? {};
  const packed = packManagedFields(managedFields);
  return {
    ...blank,
    ...rest,
    metadata: packed === undefined ? kept : { ...blank, ...kept, managedFields: packed },
  } as StoredObject;
};
