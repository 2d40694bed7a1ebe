// PUT and PATCH, of objects and of their status: read, change, validate, write if nothing else did.
import {
  ApiError,
  badRequest,
  conflict,
  goQuote,
  invalidObject,
  notFound,
  objectModified,
  prepareMetaForUpdate,
  semanticEqual,
} from "@gantry/core";
import { markUnqueued, Txn } from "@gantry/store";
import { storeKey } from "../registry/object-key.ts";
import type { AnyStored } from "../registry/objects.ts";
import { type ApiObject, nameOf, type Strategy } from "../registry/strategy.ts";
import type { ApiContext } from "../server/context.ts";
import { checkNamespace, queuedBy, withQuantities } from "./create.ts";
import { syncKeys } from "./sync-keys.ts";

/** Writes tried for a request that names no resourceVersion. */
const UPDATE_ATTEMPTS = 20;

export interface UpdateTarget {
  readonly namespace: string;
  readonly name: string;
  readonly subresource: "status" | undefined;
  readonly dryRun: boolean;
}

export interface Change {
  readonly object: ApiObject;
  readonly warnings: readonly string[];
}

export interface Updated extends Change {
  readonly code: 200 | 201;
}

/** Computes the object that a client wants from what there is. */
export type Modify = (old: ApiObject) => Change | Promise<Change>;

const checkIdentity = (strategy: Strategy, target: UpdateTarget, wanted: ApiObject, old: ApiObject): void => {
  const name = nameOf(wanted);
  if (name !== "" && name !== target.name) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${target.name})`,
    );
  }
  checkNamespace(strategy, target.namespace, wanted);
  const [uid, stored] = [wanted.metadata?.uid ?? "", old.metadata?.uid ?? ""];
  if (uid !== "" && uid !== stored) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored}`;
    throw conflict(strategy.plural, strategy.group, target.name, why);
  }
};

const prepare = (
  strategy: Strategy,
  target: UpdateTarget,
  wanted: ApiObject,
  old: ApiObject,
): ApiObject => {
  const metadata = prepareMetaForUpdate(wanted.metadata, old.metadata ?? {});
  const next = { ...wanted, metadata };
  const rules = target.subresource === "status" ? strategy.status : strategy;
  if (rules === undefined) throw new ApiError(notFound(strategy.plural, strategy.group, "").status);
  const [prepared, errors] = withQuantities(strategy, () => {
    const object =
      rules === strategy ? strategy.prepareUpdate(next, old) : strategy.status?.prepare(next, old);
    const result = object ?? next;
    const found =
      rules === strategy
        ? strategy.validateUpdate(result, old)
        : (strategy.status?.validate(result, old) ?? []);
    return [result, found] as const;
  });
  if (errors.length > 0) throw invalidObject(strategy.kind, strategy.group, target.name, errors);
  return prepared;
};

/** Nothing to write: the same object but for its resourceVersion. */
const isSame = (a: ApiObject, b: ApiObject): boolean =>
  semanticEqual({ ...a, kind: "", apiVersion: "" }, { ...b, kind: "", apiVersion: "" }) &&
  JSON.stringify(a).length === JSON.stringify(b).length;

/** Changes one object. Throws ApiError. */
export const update = async (
  context: ApiContext,
  strategy: Strategy,
  target: UpdateTarget,
  modify: Modify,
): Promise<Updated> => {
  const key = storeKey(strategy, target.namespace, target.name);
  for (let attempt = 1; attempt <= UPDATE_ATTEMPTS; attempt++) {
    const stored = await context.objects.get(strategy, key);
    if (stored === null) throw notFound(strategy.plural, strategy.group, target.name);
    const old = await context.objects.render(strategy, stored);
    const { object: wanted, warnings } = await modify(old);
    checkIdentity(strategy, target, wanted, old);
    const version = wanted.metadata?.resourceVersion ?? "";
    if (version !== "" && version !== stored.rv) {
      throw objectModified(strategy.plural, strategy.group, target.name);
    }
    const next = prepare(strategy, target, wanted, old);
    const notes = [
      ...warnings,
      ...(target.subresource === undefined ? strategy.warnings(next, old) : []),
    ];
    if (target.dryRun || isSame(next, old)) return { object: next, warnings: notes, code: 200 };
    const written = await write(context, strategy, stored, old, next);
    if (written !== "stale") return { object: written, warnings: notes, code: 200 };
    // Somebody else wrote meanwhile. A client that named a version is told; others are served again.
    const explicit = version !== "" && target.subresource === undefined;
    if (explicit && attempt === UPDATE_ATTEMPTS) break;
  }
  throw objectModified(strategy.plural, strategy.group, target.name);
};

const write = async (
  context: ApiContext,
  strategy: Strategy,
  stored: AnyStored,
  old: ApiObject,
  next: ApiObject,
): Promise<ApiObject | "stale"> => {
  const txn = new Txn();
  const { value } = await context.objects.update(txn, strategy, stored, next);
  const wake = syncKeys(strategy, stored.key, [stored.value, value], [old, next]);
  for (const one of wake) txn.dirty(one);
  const was = new Set(queuedBy(strategy, stored.value).map(({ uid }) => uid));
  const queued = queuedBy(strategy, value).filter(({ uid }) => !was.has(uid));
  markUnqueued(txn, queued);
  const result = await context.store.commit(txn);
  if (!result.ok) {
    if (result.reason === "missing") {
      throw notFound(strategy.plural, strategy.group, nameOf(next));
    }
    return "stale";
  }
  if (strategy.resource === "namespaces") context.namespaces.forget(stored.key);
  context.wakes.sync(wake);
  context.wakes.enqueue(queued);
  const rv = result.rvs[0] ?? stored.rv;
  return context.objects.render(strategy, { rv, key: stored.key, value } as AnyStored);
};

/** PUT: the object of the request, whatever is stored. */
export const replaceWith =
  (object: ApiObject, warnings: readonly string[]): Modify =>
  () => ({ object, warnings });

export const patchConflict = (name: string): ApiError =>
  badRequest(`the patch of ${goQuote(name)} is not an object`);
