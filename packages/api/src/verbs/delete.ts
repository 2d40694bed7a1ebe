// DELETE of one object and of collections (D1 to D5), and of Namespaces.
import {
  forbiddenRequest,
  metadataAfterDelete,
  notFound,
  podAfterDelete,
  type PodRecord,
  resourceVersionPrecondition,
  rfc3339,
  type StoredMeta,
  uidPrecondition,
} from "@gantry/core";
import { deleteObject, type Stored, type StoredObject, Txn, updateObject } from "@gantry/store";
import { storeKey } from "../registry/object-key.ts";
import type { AnyStored } from "../registry/objects.ts";
import type { ApiObject, Strategy } from "../registry/strategy.ts";
import { nameOf, namespaceOf } from "../registry/strategy.ts";
import type { DeleteOptions, ListOptions } from "../requests/query.ts";
import type { ApiContext } from "../server/context.ts";
import { permanentNamespaces } from "../server/namespaces.ts";
import { type Listed, listMatches } from "./list.ts";
import type { Selection } from "./selection.ts";

/** Deletions of a collection under way at once. */
const PARALLEL = 32;

export interface Deleted {
  /** What the client is shown: the object, or a Status of success. */
  readonly body: ApiObject;
  /** `body` is an object of the kind. */
  readonly isObject: boolean;
}

const success = (strategy: Strategy, name: string, uid: string): ApiObject => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  details: {
    name,
    ...(strategy.group === "" ? {} : { group: strategy.group }),
    kind: strategy.plural,
    uid,
  },
});

const checkPreconditions = (
  strategy: Strategy,
  name: string,
  options: DeleteOptions,
  found: ApiObject,
): void => {
  const { uid = "", resourceVersion = "" } = found.metadata ?? {};
  if (options.uid !== undefined && options.uid !== uid) {
    throw uidPrecondition(strategy.kind, strategy.group, name, { given: options.uid, stored: uid });
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    throw resourceVersionPrecondition(strategy.kind, strategy.group, name, {
      given: options.resourceVersion,
      stored: resourceVersion,
    });
  }
};

/** D2: Jobs keep their Pods unless the client says otherwise. */
const propagationOf = (strategy: Strategy, options: DeleteOptions) =>
  options.propagation ?? (strategy.orphanWarning === undefined ? "Background" : "Orphan");

export const deleteWarnings = (strategy: Strategy, options: DeleteOptions): readonly string[] =>
  strategy.orphanWarning === undefined || options.propagation !== undefined
    ? []
    : [strategy.orphanWarning];

export const remove = async (
  context: ApiContext,
  strategy: Strategy,
  namespace: string,
  name: string,
  options: DeleteOptions,
): Promise<Deleted> => {
  const key = storeKey(strategy, namespace, name);
  if (options.dryRun) return rehearse(context, strategy, key, name, options);
  if (strategy.resource === "namespaces") return removeNamespace(context, strategy, name, options);
  const outcome = await deleteObject(
    context.store,
    context.objects.templates,
    strategy.resource,
    key,
    {
      propagation: propagationOf(strategy, options),
      graceSeconds: options.graceSeconds,
      uid: options.uid,
      resourceVersion: options.resourceVersion,
    },
    context.nowMs(),
  );
  if (outcome.kind === "missing") throw notFound(strategy.plural, strategy.group, name);
  if (outcome.kind === "conflict") {
    const found = await context.objects.render(strategy, outcome.found);
    checkPreconditions(strategy, name, options, found);
    // The preconditions hold for what is there now: only a change between both reads gets here.
    return remove(context, strategy, namespace, name, options);
  }
  const object = await context.objects.render(strategy, {
    rv: outcome.rv,
    key,
    value: outcome.object,
  } as AnyStored);
  if (outcome.kind === "marked" || strategy.resource === "pods") {
    return { body: object, isObject: true };
  }
  return { body: success(strategy, name, object.metadata?.uid ?? ""), isObject: false };
};

/** The answer that a deletion would get. */
const rehearse = async (
  context: ApiContext,
  strategy: Strategy,
  key: string,
  name: string,
  options: DeleteOptions,
): Promise<Deleted> => {
  const stored = await context.objects.get(strategy, key);
  if (stored === null) throw notFound(strategy.plural, strategy.group, name);
  const object = await context.objects.render(strategy, stored);
  checkPreconditions(strategy, name, options, object);
  if (strategy.resource === "pods") {
    const pod = stored.value as PodRecord;
    const specGraceSeconds = (object["spec"] as PodRecord["spec"])?.terminationGracePeriodSeconds;
    const request = { graceSeconds: options.graceSeconds, specGraceSeconds };
    const next = podAfterDelete(pod, request, context.nowMs());
    const body = await context.objects.render(strategy, { ...stored, value: next });
    return { body, isObject: true };
  }
  if (strategy.resource === "namespaces") {
    return { body: terminating(object, context.nowMs()), isObject: true };
  }
  const metadata = metadataAfterDelete(
    object.metadata as StoredMeta,
    propagationOf(strategy, options),
    context.nowMs(),
  );
  if (metadata === null) {
    return { body: success(strategy, name, object.metadata?.uid ?? ""), isObject: false };
  }
  return { body: { ...object, metadata }, isObject: true };
};

const permanent: readonly string[] = permanentNamespaces;

const terminating = <T extends ApiObject>(namespace: T, nowMs: number): T => ({
  ...namespace,
  metadata: {
    ...namespace.metadata,
    deletionTimestamp: namespace.metadata?.deletionTimestamp ?? rfc3339(nowMs),
  },
  status: { ...(namespace["status"] as object | undefined), phase: "Terminating" },
});

/** A Namespace is marked; it goes when the namespace controller has emptied it. */
const removeNamespace = async (
  context: ApiContext,
  strategy: Strategy,
  name: string,
  options: DeleteOptions,
): Promise<Deleted> => {
  if (permanent.includes(name)) {
    throw forbiddenRequest("namespaces", "", name, "this namespace may not be deleted");
  }
  for (;;) {
    const stored = (await context.store.get("namespaces", name)) as Stored<StoredObject> | null;
    if (stored === null) throw notFound(strategy.plural, strategy.group, name);
    const before = await context.objects.render(strategy, stored as AnyStored);
    checkPreconditions(strategy, name, options, before);
    if (stored.value.metadata.deletionTimestamp !== undefined) {
      return { body: before, isObject: true };
    }
    const value = terminating(stored.value, context.nowMs());
    const txn = new Txn();
    updateObject(txn, "namespaces", stored, value);
    txn.dirty(`namespaces|${name}`);
    const result = await context.store.commit(txn);
    if (!result.ok) continue;
    context.namespaces.forget(name);
    const rv = result.rvs[0] ?? stored.rv;
    const body = await context.objects.render(strategy, { rv, key: name, value } as AnyStored);
    return { body, isObject: true };
  }
};

/** Deletes what matches and answers with it, as each was before. */
export const removeCollection = async (
  context: ApiContext,
  strategy: Strategy,
  selection: Selection,
  options: DeleteOptions & Pick<ListOptions, "limit">,
): Promise<Listed> => {
  const { rv, items } = await listMatches(context, strategy, selection);
  const chosen = options.limit > 0 ? items.slice(0, options.limit) : items;
  const queue = chosen.entries();
  const shown: ApiObject[] = [...chosen];
  const worker = async (): Promise<void> => {
    for (const [n, item] of queue) {
      const one = { ...options, uid: options.uid ?? item.metadata?.uid };
      try {
        const { body, isObject } = await remove(
          context,
          strategy,
          namespaceOf(item),
          nameOf(item),
          one,
        );
        if (isObject) shown[n] = body;
      } catch (error) {
        // Gone already, or replaced by a new object of that name: what was to be deleted is.
        if (!isGone(error)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return { rv, items: shown };
};

const isGone = (error: unknown): boolean => {
  const code = (error as { code?: unknown }).code;
  return code === 404 || code === 409;
};
