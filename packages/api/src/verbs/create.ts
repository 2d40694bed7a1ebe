// POST: one object, generated names, dry runs, idempotent submission.
import { createHash } from "node:crypto";
import {
  blank,
  alreadyExists,
  type ApiError,
  awaitsWorker,
  badRequest,
  cannotHandle,
  conflict,
  generateNameConflict,
  invalidObject,
  type PodRecord,
  prepareMetaForCreate,
  QuantityError,
  suffixAlphabet,
} from "@gantry/core";
import { enqueuePods, type QueuedPod, queuedPod, Txn } from "@gantry/store";
import type { AnyStored } from "../registry/objects.ts";
import { storeKey } from "../registry/object-key.ts";
import { type ApiObject, nameOf, type Strategy } from "../registry/strategy.ts";
import { type ApiContext, newSuffix, newUid } from "../server/context.ts";
import { createContents } from "../server/namespaces.ts";
import { withOwners } from "./ownership.ts";
import { syncKeys } from "./sync-keys.ts";

/** Fresh suffixes tried for a generateName, as by Kubernetes. */
const NAME_ATTEMPTS = 8;

/** Times that a namespace may change while one object is created. */
const GUARD_ATTEMPTS = 5;

export const IDEMPOTENCY_KEY = "gantry.dev/idempotency-key";
/** Digest of the request that a key stands for. */
export const IDEMPOTENCY_DIGEST = "gantry.dev/idempotency-digest";
const KEY_MAX = 255;

export interface Creation {
  readonly namespace: string;
  readonly object: ApiObject;
  readonly dryRun: boolean;
  readonly idempotencyKey?: string | undefined;
  /** Manager that owns the new fields; `undefined`: the object says already who owns what. */
  readonly author: string | undefined;
}

export interface Created {
  readonly object: ApiObject;
  /** 200 when an idempotent request was repeated. */
  readonly code: 200 | 201;
  readonly warnings: readonly string[];
}

/** The namespace of the object must be the URL's. */
export const checkNamespace = (strategy: Strategy, namespace: string, object: ApiObject): void => {
  const given = object.metadata?.namespace ?? "";
  if (given === "" || given === namespace || !strategy.namespaced) return;
  throw badRequest(
    "the namespace of the provided object does not match the namespace sent on the request",
  );
};

/** Amounts are read while defaulting; a wrong one is an undecodable body. */
export const withQuantities = <T>(strategy: Strategy, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    const { kind, version } = strategy;
    throw cannotHandle({ kind, version }, kind, error.message);
  }
};

const digestOf = (object: ApiObject): string =>
  createHash("sha256").update(JSON.stringify(object)).digest("base64url");

/** With a key, a generated name follows from it, so that a repeated request meets the first one's. */
const suffixFrom = (key: string): string => {
  const digest = createHash("sha256").update(key).digest();
  let suffix = "";
  for (const byte of digest.subarray(0, 10)) suffix += suffixAlphabet[byte % suffixAlphabet.length];
  return suffix;
};

const withKey = (object: ApiObject, key: string): ApiObject => ({
  ...blank,
  ...object,
  metadata: {
    ...blank,
    ...object.metadata,
    annotations: {
      ...blank,
      ...object.metadata?.annotations,
      [IDEMPOTENCY_KEY]: key,
      [IDEMPOTENCY_DIGEST]: digestOf(object),
    },
  },
});

const checkKey = (key: string): void => {
  if (key.length > KEY_MAX || !/^[\x21-\x7e]+$/.test(key)) {
    throw badRequest(`the Idempotency-Key must be 1 to ${KEY_MAX} printable ASCII characters`);
  }
};

const complete = (
  context: ApiContext,
  strategy: Strategy,
  request: Creation,
  suffix: string,
): ApiObject => {
  const metadata = prepareMetaForCreate(request.object.metadata, {
    uid: newUid(),
    nowMs: context.nowMs(),
    namespace: strategy.namespaced ? request.namespace : "",
    suffix,
    generation: strategy.hasGeneration ? 1 : undefined,
  });
  const prepared = withQuantities(strategy, () =>
    strategy.prepareCreate({ ...blank, ...request.object, metadata }),
  );
  const owned = withCreator(context, strategy, request.author, prepared);
  const object = strategy.admitCreate?.(owned) ?? owned;
  const errors = strategy.validateCreate(object);
  if (errors.length > 0) {
    throw invalidObject(strategy.kind, strategy.group, nameOf(object), errors);
  }
  return object;
};

const withCreator = (
  context: ApiContext,
  strategy: Strategy,
  manager: string | undefined,
  object: ApiObject,
): ApiObject =>
  manager === undefined
    ? object
    : withOwners(strategy, undefined, object, {
        manager,
        subresource: undefined,
        nowMs: context.nowMs(),
      });

/** Creates one object. Throws ApiError. */
export const create = async (
  context: ApiContext,
  strategy: Strategy,
  request: Creation,
): Promise<Created> => {
  const { namespace } = request;
  if (!request.dryRun) await context.admission.admit(strategy.resource);
  checkNamespace(strategy, namespace, request.object);
  if ((request.object.metadata?.resourceVersion ?? "") !== "") {
    throw badRequest("resourceVersion should not be set on objects to be created");
  }
  const key = request.idempotencyKey;
  if (key !== undefined) checkKey(key);
  const object = key === undefined ? request.object : withKey(request.object, key);
  const keyed = { ...blank, ...request, object };
  const generated = nameOf(object) === "" && (object.metadata?.generateName ?? "") !== "";
  const attempts = generated && key === undefined ? NAME_ATTEMPTS : 1;
  for (let attempt = 1; ; attempt++) {
    const suffix = generated ? (key === undefined ? newSuffix() : suffixFrom(key)) : "";
    const asked = generated ? "" : nameOf(object);
    if (strategy.namespaced) {
      await context.namespaces.assertOpen(namespace, strategy.plural, strategy.group, asked);
    }
    const next = complete(context, strategy, keyed, suffix);
    const notes = await context.runtimes.admit(strategy, next);
    const stored = await store(context, strategy, namespace, next, request.dryRun);
    if (stored !== "exists") {
      return { object: stored, code: 201, warnings: [...strategy.warnings(next), ...notes] };
    }
    if (key !== undefined) return repeated(context, strategy, namespace, next);
    if (attempt < attempts) continue;
    throw generated
      ? generateNameConflict(strategy.plural, strategy.group, nameOf(next))
      : alreadyExists(strategy.plural, strategy.group, nameOf(next));
  }
};

/** A Pod goes on its queue unless a client placed it, or gates hold it. */
export const queuedBy = (strategy: Strategy, value: unknown): QueuedPod[] => {
  if (strategy.resource !== "pods") return [];
  const pod = value as PodRecord;
  return awaitsWorker(pod) ? [queuedPod(pod, pod.spec)] : [];
};

const store = async (
  context: ApiContext,
  strategy: Strategy,
  namespace: string,
  object: ApiObject,
  dryRun: boolean,
): Promise<ApiObject | "exists"> => {
  const key = storeKey(strategy, namespace, nameOf(object));
  if (dryRun) {
    if ((await context.objects.get(strategy, key)) !== null) return "exists";
    return object;
  }
  for (let attempt = 1; attempt <= GUARD_ATTEMPTS; attempt++) {
    const txn = new Txn();
    if (strategy.namespaced) context.namespaces.guard(txn, namespace);
    const value = context.objects.create(txn, strategy, object, context.nowMs());
    if (strategy.resource === "namespaces") {
      createContents(txn, nameOf(object), context.certificate, context.nowMs());
    }
    for (const one of syncKeys(strategy, key, [value], [object])) txn.dirty(one);
    enqueuePods(txn, queuedBy(strategy, value), context.nowMs());
    const result = await context.store.commit(txn);
    if (result.ok) {
      return context.objects.render(strategy, {
        rv: result.rvs[0] ?? "0",
        key,
        value,
      } as AnyStored);
    }
    if (result.reason === "exists") return "exists";
    // The namespace changed since it was seen.
    context.namespaces.forget(namespace);
    await context.namespaces.assertOpen(namespace, strategy.plural, strategy.group, nameOf(object));
  }
  throw changing(strategy, object);
};

const changing = (strategy: Strategy, object: ApiObject): ApiError =>
  conflict(strategy.plural, strategy.group, nameOf(object), "its namespace keeps changing");

const repeated = async (
  context: ApiContext,
  strategy: Strategy,
  namespace: string,
  next: ApiObject,
): Promise<Created> => {
  const key = storeKey(strategy, namespace, nameOf(next));
  const stored = await context.objects.get(strategy, key);
  const found = stored === null ? undefined : await context.objects.render(strategy, stored);
  const before = found?.metadata?.annotations ?? {};
  const now = next.metadata?.annotations ?? {};
  if (found === undefined || before[IDEMPOTENCY_KEY] !== now[IDEMPOTENCY_KEY]) {
    throw alreadyExists(strategy.plural, strategy.group, nameOf(next));
  }
  if (before[IDEMPOTENCY_DIGEST] !== now[IDEMPOTENCY_DIGEST]) {
    const why = "the Idempotency-Key was used before with another body";
    throw conflict(strategy.plural, strategy.group, nameOf(next), why);
  }
  return { object: found, code: 200, warnings: [] };
};
