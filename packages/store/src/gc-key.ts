// Whose dependents garbage collection looks after: sync keys of owners (job-spec D4).
import { kindOfObject, type OwnerReference } from "@gantry/core";
import { clusterScoped, type Resource, resources } from "./keys.ts";

/** The key under which garbage collection looks after the dependents of an object. */
export const gcKey = (resource: Resource, key: string, uid: string): string =>
  `gc|${resource}|${key}|${uid}`;

/** Where the owner that a reference names is stored; `undefined` for kinds that are not. */
export const ownerOf = (
  { apiVersion = "", kind = "", name = "" }: OwnerReference,
  namespace: string,
): { readonly resource: Resource; readonly key: string } | undefined => {
  const plural = kindOfObject(apiVersion, kind)?.plural;
  const resource = resources.find((one) => one === plural);
  if (resource === undefined) return undefined;
  return { resource, key: clusterScoped.has(resource) ? name : `${namespace}/${name}` };
};

/**
 * Sync keys of owners whose deletion this dependent held up, and does no more: it had the `before`
 * references, and now has the `after` ones.
 */
export const unblockedOwners = (
  namespace: string,
  before: readonly OwnerReference[],
  after: readonly OwnerReference[],
): readonly string[] => {
  const blocks = (one: OwnerReference): boolean => one.blockOwnerDeletion === true;
  const left = before.filter(
    ({ uid, ...one }) => blocks(one) && !after.some((two) => two.uid === uid && blocks(two)),
  );
  return left.flatMap((reference) => {
    const owner = ownerOf(reference, namespace);
    return owner === undefined ? [] : [gcKey(owner.resource, owner.key, reference.uid ?? "")];
  });
};
