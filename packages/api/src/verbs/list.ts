// LIST: at one revision, touching no more than the selection needs.
import { expired, tooLargeResourceVersion } from "@gantry/core";
import { compareKeys, compareRevisions, podNamePrefix, suffix } from "@gantry/store";
import { storeKey } from "../registry/object-key.ts";
import type { AnyStored } from "../registry/objects.ts";
import type { ApiObject, Strategy } from "../registry/strategy.ts";
import type { ListOptions } from "../requests/query.ts";
import type { ApiContext } from "../server/context.ts";
import { type Selection, selects } from "./selection.ts";
import { type Chunk, decodeToken, type Kept } from "./snapshots.ts";

export interface Listed {
  readonly rv: string;
  readonly items: readonly ApiObject[];
  readonly continueToken?: string | undefined;
  /** Absent where selectors make it unknown, as by Kubernetes. */
  readonly remaining?: number | undefined;
}

interface Found {
  readonly rv: string;
  readonly stored: readonly AnyStored[];
}

/** A Pod of the Job may have any name once it was adopted; ownerless ones may carry its label. */
const podsOfJob = async (context: ApiContext, namespace: string, job: string): Promise<Found> => {
  const { store } = context;
  const own = await store.listAll("pods", { keyPrefix: `${namespace}/${podNamePrefix(job)}` });
  const owner = await store.get("jobs", `${namespace}/${job}`);
  const [adopted, ownerless] = await Promise.all([
    owner === null ? [] : store.redis.smembers(store.key(suffix.adopted(owner.value.metadata.uid))),
    store.redis.smembers(store.key(suffix.ownerless(namespace))),
  ]);
  const keys = new Set(own.items.map(({ key }) => key));
  const names = [...adopted, ...ownerless].map((name) =>
    name.includes("/") ? name : `${namespace}/${name}`,
  );
  const others = [...new Set(names)].filter((key) => !keys.has(key));
  const found = (await store.getMany("pods", others)).filter((one) => one !== null);
  if (found.length === 0) return { rv: own.rv, stored: own.items };
  const stored = [...own.items, ...found].sort((a, b) => compareKeys(a.key, b.key));
  return { rv: own.rv, stored };
};

const withDerived = async (
  { store }: ApiContext,
  strategy: Strategy,
  namespace: string | undefined,
  stored: readonly AnyStored[],
): Promise<readonly AnyStored[]> => {
  const derived = (await strategy.derived?.list(store, namespace)) ?? [];
  if (derived.length === 0) return stored;
  const keys = new Set(stored.map(({ key }) => key));
  const more = derived.filter(({ key }) => !keys.has(key));
  return [...stored, ...more].sort((a, b) => compareKeys(a.key, b.key));
};

/** What may match: by name, by Job, by namespace, else all. */
const candidates = async (
  context: ApiContext,
  strategy: Strategy,
  selection: Selection,
): Promise<Found> => {
  const { namespace, name, jobName } = selection;
  const { store } = context;
  if (name !== undefined && (namespace !== undefined || !strategy.namespaced)) {
    const rv = await store.revision();
    const one = await context.objects.get(strategy, storeKey(strategy, namespace ?? "", name));
    return { rv, stored: one === null ? [] : [one] };
  }
  if (jobName !== undefined && jobName !== "" && namespace !== undefined) {
    return podsOfJob(context, namespace, jobName);
  }
  const query = strategy.namespaced && namespace !== undefined ? { namespace } : {};
  const page = await store.listAll(strategy.resource, query);
  const stored = page.items as readonly AnyStored[];
  return { rv: page.rv, stored: await withDerived(context, strategy, namespace, stored) };
};

interface Matches extends Found {
  /** The same, rendered; `undefined` when nothing had to be looked into. */
  readonly items: readonly ApiObject[] | undefined;
}

const matches = async (
  context: ApiContext,
  strategy: Strategy,
  selection: Selection,
): Promise<Matches> => {
  const { rv, stored } = await candidates(context, strategy, selection);
  if (selection.all) return { rv, stored, items: undefined };
  const objects = await context.objects.renderAll(strategy, stored);
  const items: ApiObject[] = [];
  const selected: AnyStored[] = [];
  for (const [n, one] of stored.entries()) {
    const object = objects[n];
    if (object === undefined || !selects(strategy, selection, object)) continue;
    items.push(object);
    selected.push(one);
  }
  return { rv, stored: selected, items };
};

/** Everything that matches, at one revision. */
export const listMatches = async (
  context: ApiContext,
  strategy: Strategy,
  selection: Selection,
): Promise<{ rv: string; items: readonly ApiObject[] }> => {
  const { rv, stored, items } = await matches(context, strategy, selection);
  return { rv, items: items ?? (await context.objects.renderAll(strategy, stored)) };
};

/** Whether nothing of this resource changed after a revision. */
const unchangedSince = async (
  context: ApiContext,
  strategy: Strategy,
  revision: string,
): Promise<boolean> => {
  const { store } = context;
  const stream = store.key(suffix.watch(strategy.resource));
  const [last] = await store.redis.xrevrange(stream, "+", "-", "COUNT", 1);
  return (
    last === undefined || compareRevisions(last[0].slice(0, last[0].indexOf("-")), revision) <= 0
  );
};

/** A list can be had at the present revision only, or at an older one that differs in nothing. */
export const checkRevision = async (
  context: ApiContext,
  strategy: Strategy,
  options: Pick<ListOptions, "resourceVersion" | "resourceVersionMatch">,
  current: string,
): Promise<string> => {
  const { resourceVersion: wanted, resourceVersionMatch: match } = options;
  if (wanted === undefined || wanted === "0") return current;
  if (compareRevisions(wanted, current) > 0) throw tooLargeResourceVersion(wanted, current);
  if (match !== "Exact" || wanted === current) return current;
  if (await unchangedSince(context, strategy, wanted)) return wanted;
  throw expired("The resourceVersion for the provided list is too old.");
};

export const list = async (
  context: ApiContext,
  strategy: Strategy,
  selection: Selection,
  options: ListOptions,
): Promise<Listed> => {
  const { limit, continueToken } = options;
  const of = [
    strategy.resource,
    selection.namespace ?? "",
    options.labelSelector,
    options.fieldSelector,
  ].join("|");
  const token = continueToken === undefined ? undefined : decodeToken(continueToken, of);
  if (token !== undefined && token.rv !== -1) {
    const { items, ...chunk } = context.snapshots.next(of, token, limit);
    return page(selection, chunk, await renderKept(context, strategy, items));
  }
  const found = await findAll(context, strategy, selection);
  const rv = await checkRevision(context, strategy, options, found.rv);
  const kept =
    token === undefined
      ? found.kept
      : found.kept.filter(({ key }) => compareKeys(key, token.start) > 0);
  if (limit === 0 || kept.length <= limit) {
    const rendered = kept === found.kept ? found.items : undefined;
    return { rv, items: rendered ?? (await renderKept(context, strategy, kept)) };
  }
  const { items, ...chunk } = context.snapshots.open(of, rv, kept, limit);
  return page(selection, chunk, await renderKept(context, strategy, items));
};

interface Everything {
  readonly rv: string;
  readonly kept: readonly Kept[];
  /** The same, rendered, where it had to be looked into. */
  readonly items?: readonly ApiObject[] | undefined;
}

/** Objects are looked into only where a selector asks about them. */
const findAll = async (
  context: ApiContext,
  strategy: Strategy,
  selection: Selection,
): Promise<Everything> => {
  if (!selection.all || strategy.derived !== undefined) {
    const { rv, stored, items } = await matches(context, strategy, selection);
    return { rv, kept: stored, items };
  }
  const { namespace } = selection;
  const query = strategy.namespaced && namespace !== undefined ? { namespace } : {};
  const { rv, items } = await context.store.listRaw(strategy.resource, query);
  return { rv, kept: items };
};

const renderKept = (
  { store, objects }: ApiContext,
  strategy: Strategy,
  kept: readonly Kept[],
): Promise<ApiObject[]> => {
  const stored: AnyStored[] = [];
  for (const one of kept) {
    const decoded = "text" in one ? store.decode(strategy.resource, one.key, one.text) : one;
    if (decoded !== null) stored.push(decoded);
  }
  return objects.renderAll(strategy, stored);
};

const page = (
  selection: Selection,
  chunk: Omit<Chunk, "items">,
  items: readonly ApiObject[],
): Listed => ({
  ...chunk,
  items,
  remaining: selection.all && chunk.remaining > 0 ? chunk.remaining : undefined,
});
