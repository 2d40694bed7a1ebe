// Descriptions of what all kinds share: metadata, selectors, options, Status.
import type { Descriptions } from "./text-table.ts";

const meta = (name: string): string => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`;

export const metaDescriptions: Descriptions = {
  [meta("ObjectMeta")]: {
    "": "What every object has: its name, labels, owners and versions.",
    name: "Unique within the namespace and kind. Cannot be changed.",
    generateName:
      "With no name given, the beginning of one to which the server adds five random characters.",
    namespace: "The namespace that the object is in. Empty means default. Cannot be changed.",
    selfLink: "Outdated; never set.",
    uid: "Unique over all objects that ever were. Set by the server.",
    resourceVersion:
      "Changes with each change of the object. Given in an update, the update is refused when the " +
      "object has changed since. Not to be interpreted.",
    generation: "Counts changes of the specification. Read-only.",
    creationTimestamp: "When the object was created. Read-only.",
    deletionTimestamp:
      "When the object is to be gone, once its deletion was asked for. It stays until its " +
      "finalizers are removed. Read-only.",
    deletionGracePeriodSeconds: "Seconds that the object was given to end. Read-only.",
    labels: "Names and values to find and group objects by, with selectors.",
    annotations: "Names and values that tools attach to objects. Not searchable.",
    ownerReferences:
      "Objects on which this one depends: when all of them are gone it is deleted. At most one is " +
      "the controller.",
    finalizers: "The object stays, once deleted, until this list is empty.",
    managedFields: "Which manager set which fields. Kept by the server for server-side apply.",
  },
  [meta("OwnerReference")]: {
    "": "An object that owns another.",
    apiVersion: "Group and version of the owner.",
    kind: "Kind of the owner.",
    name: "Name of the owner.",
    uid: "Uid of the owner.",
    controller: "The owner is the object's controller.",
    blockOwnerDeletion:
      "With true an owner that is deleted in the foreground stays until this object is gone.",
  },
  [meta("ManagedFieldsEntry")]: {
    "": "Fields that one manager set.",
    manager: "Name of the manager.",
    operation: "Apply or Update.",
    apiVersion: "Version in which the fields are named.",
    time: "When the set of fields last changed.",
    fieldsType: "Always FieldsV1.",
    fieldsV1: "The fields, as a tree of f: names, k: keys and v: values.",
    subresource: "The subresource through which they were set; empty for the object itself.",
  },
  [meta("LabelSelector")]: {
    "": "Selects objects by their labels. All that it says must hold; an empty one selects all.",
    matchLabels: "Labels with exactly these values.",
    matchExpressions: "Requirements on labels.",
  },
  [meta("LabelSelectorRequirement")]: {
    "": "What must hold of one label.",
    key: "Name of the label.",
    operator: "In, NotIn, Exists or DoesNotExist.",
    values: "For In and NotIn at least one; none otherwise.",
  },
  [meta("FieldSelectorRequirement")]: {
    "": "What must hold of one field.",
    key: "The field.",
    operator: "In, NotIn, Exists or DoesNotExist.",
    values: "For In and NotIn at least one; none otherwise.",
  },
  [meta("ListMeta")]: {
    "": "What every list has.",
    selfLink: "Outdated; never set.",
    resourceVersion: "The version of the list: a watch that begins there misses nothing.",
    continue: "Set when there is more: pass it on to read the next page.",
    remainingItemCount: "About how many objects are left, where that is known.",
  },
  [meta("DeleteOptions")]: {
    "": "How an object is to be deleted.",
    gracePeriodSeconds: "How long it may take to end; 0 is at once.",
    preconditions: "What must hold, else the request is refused with 409.",
    orphanDependents: "Outdated: propagationPolicy replaces it.",
    propagationPolicy:
      "What becomes of what it owns. Orphan leaves it, Background deletes it afterwards, Foreground first.",
    dryRun: "With All nothing is stored.",
    ignoreStoreReadErrorWithClusterBreakingPotential: "Not supported.",
  },
  [meta("Preconditions")]: {
    "": "What must hold of an object for it to be deleted.",
    uid: "Its uid.",
    resourceVersion: "Its resourceVersion.",
  },
  [meta("Status")]: {
    "": "The answer to a request that returns no object.",
    status: "Success or Failure.",
    message: "What happened, for people.",
    reason: "What happened, in one word for programs.",
    details: "More on the reason, for programs.",
    code: "The HTTP status.",
  },
  [meta("StatusDetails")]: {
    "": "More on a failed request.",
    name: "Name of the object.",
    group: "Group of the resource.",
    kind: "Kind or resource.",
    uid: "Uid of the object.",
    causes: "Each thing that was wrong.",
    retryAfterSeconds: "How long to wait before trying again.",
  },
  [meta("StatusCause")]: {
    "": "One thing that was wrong with a request.",
    reason: "In one word.",
    message: "For people.",
    field: "The field concerned, as a path.",
  },
};
