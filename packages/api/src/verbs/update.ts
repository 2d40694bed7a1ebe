// PUT and PATCH, of objects and of their status: read, change, validate, write if nothing else did.
import {
  blank,
  badRequest,
  conflict,
  invalidObject,
  notFound,
  objectModified,
  prepareMetaForUpdate,
} from "@gantry/core";
import { enqueuePods, Txn } from "@gantry/store";
import { storeKey } from "../registry/object-key.ts";
import type { AnyStored } from "../registry/objects.ts";
import { type ApiObject, nameOf, type Strategy } from "../registry/strategy.ts";
import type { ApiContext } from "../server/context.ts";
import { checkNamespace, queuedBy, withQuantities } from "./create.ts";
import { withOwners } from "./ownership.ts";
import { syncKeys } from "./sync-keys.ts";

/** Writes tried for a request that names no resourceVersion. */
const UPDATE_ATTEMPTS = 20;

export type Subresource = "status" | "finalize";

export interface UpdateTarget {
  readonly namespace: string;
  readonly name: string;
  readonly subresource: Subresource | undefined;
  readonly dryRun: boolean;
  /** Who becomes the owner of what changes. */
  readonly manager: string;
}

export interface Change {
  readonly object: ApiObject;
  readonly warnings: readonly string[];
  /** Its managedFields say already who owns what. */
  readonly owned?: boolean;
}

export interface Updated extends Change {
  readonly code: 200 | 201;
}

/** Computes the object that a client wants from what there is. */
export type Modify = (old: ApiObject) => Change | Promise<Change>;

const checkIdentity = (
  strategy: Strategy,
  target: UpdateTarget,
  wanted: ApiObject,
  old: ApiObject,
): void => {
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
  const next = { ...blank, ...wanted, metadata };
  const rules = target.subresource === undefined ? undefined : strategy[target.subresource];
  const prepared = withQuantities(strategy, () =>
    rules === undefined ? strategy.prepareUpdate(next, old) : rules.prepare(next, old),
  );
  const errors =
    rules === undefined ? strategy.validateUpdate(prepared, old) : rules.validate(prepared, old);
  if (errors.length > 0) throw invalidObject(strategy.kind, strategy.group, target.name, errors);
  return prepared;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** Equal as JSON: an undefined field is an absent one. */
const sameJson = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (!isRecord(a) || !isRecord(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  for (const key of Object.keys(a)) if (!sameJson(a[key], b[key])) return false;
  for (const key of Object.keys(b)) if (b[key] !== undefined && a[key] === undefined) return false;
  return true;
};

/** Nobody becomes an owner by a write that changes nothing. */
const withAuthor = (
  context: ApiContext,
  strategy: Strategy,
  { manager, subresource }: UpdateTarget,
  next: ApiObject,
  old: ApiObject,
): ApiObject =>
  sameJson(next, old)
    ? old
    : withOwners(strategy, old, next, { manager, subresource, nowMs: context.nowMs() });

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
    const old = await context.objects.renderWhole(strategy, stored);
    const { object: wanted, warnings, owned = false } = await modify(old);
    checkIdentity(strategy, target, wanted, old);
    const version = wanted.metadata?.resourceVersion ?? "";
    if (version !== "" && version !== stored.rv) {
      throw objectModified(strategy.plural, strategy.group, target.name);
    }
    const prepared = prepare(strategy, target, wanted, old);
    const next = owned ? prepared : withAuthor(context, strategy, target, prepared, old);
    const notes = [...warnings];
    if (target.subresource === undefined) {
      notes.push(...strategy.warnings(next, old));
      notes.push(...(await context.runtimes.admit(strategy, next, old)));
    }
    const same = sameJson(next, old) && !context.objects.isStale(strategy, stored);
    if (target.dryRun || same) return { object: next, warnings: notes, code: 200 };
    const written = await write(context, strategy, stored, old, next);
    if (written !== "stale") return { object: written, warnings: notes, code: 200 };
    // Somebody else wrote meanwhile. A client that named a version is told in the next round.
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
  const { value, updates } = await context.objects.update(txn, strategy, stored, next);
  const marks = syncKeys(strategy, stored.key, [stored.value, value], [old, next]);
  for (const one of marks) txn.dirty(one);
  const was = new Set(queuedBy(strategy, stored.value).map(({ uid }) => uid));
  const queued = queuedBy(strategy, value).filter(({ uid }) => !was.has(uid));
  enqueuePods(txn, queued, context.nowMs());
  const result = await context.store.commit(txn);
  if (!result.ok) {
    if (result.reason === "missing") {
      throw notFound(strategy.plural, strategy.group, nameOf(next));
    }
    return "stale";
  }
  if (strategy.resource === "namespaces") context.namespaces.forget(stored.key);
  const rv = result.rvs[updates - 1] ?? stored.rv;
  return context.objects.render(strategy, { rv, key: stored.key, value } as AnyStored);
};

/** PUT: the object of the request, whatever is stored. */
export const replaceWith =
  (object: ApiObject, warnings: readonly string[]): Modify =>
  () => ({ object, warnings });
