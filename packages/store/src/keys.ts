// The only place that spells a Redis key. All keys of a cell share one hash tag, so a cell is one Cluster slot.

/** Kinds of stored objects, by their plural. */
export const resources = [
  "jobs",
  "cronjobs",
  "pods",
  "events",
  "namespaces",
  "nodes",
  "configmaps",
  "secrets",
  "serviceaccounts",
  "leases",
] as const;

export type Resource = (typeof resources)[number];

export const clusterScoped: ReadonlySet<Resource> = new Set<Resource>(["namespaces", "nodes"]);

/** Suffixes below the cell's prefix, as transactions name them. */
export const suffix = {
  /** Counter: the cell's resourceVersion. */
  revision: "rv",
  /** Hash key -> `<rv> <body>`. */
  objects: (resource: Resource) => `o:${resource}`,
  /** Sorted set of keys, score 0: lexical order for paging. */
  index: (resource: Resource) => `i:${resource}`,
  /** Stream of changes; entry id `<rv>-0`. */
  watch: (resource: Resource) => `w:${resource}`,
  /** Hash job uid -> JSON of its JobBook. */
  book: "book",
  /** Set of names of a Job's Pods that are not settled. */
  live: (jobUid: string) => `live:${jobUid}`,
  /** Set of keys of a Job's Pods whose names do not begin with the Job's prefix (adopted ones). */
  adopted: (jobUid: string) => `adopted:${jobUid}`,
  /** Hash template id -> JSON, for templates that are no longer the Job's present one. */
  templates: (jobUid: string) => `tpl:${jobUid}`,
  /** Set of names of ownerless Pods in a namespace (candidates for adoption). */
  ownerless: (namespace: string) => `ownerless:${namespace}`,
  /** Set of `resource|key` of objects that name this uid as an owner (Pods of Jobs are found by name). */
  dependents: (ownerUid: string) => `dep:${ownerUid}`,
  /** Set of keys of Pods claimed by a node. */
  nodePods: (node: string) => `node:${node}`,
  /** Stream of wake-ups for a node: Pods of its to look at again. */
  nodeInbox: (node: string) => `inbox:${node}`,
  /** Sorted set node -> lease expiry, Unix ms. */
  leases: "leases",
  /** Hash node -> JSON of what its Pods request, by resource name, in 10^-9. */
  usage: "usage",
  /** Counter: fencing numbers of claims. */
  fence: "fence",
  /** Sorted set timer member -> due time, Unix ms. */
  timers: "timers",
  /** Sorted set job key -> when its TTL after finishing ends, Unix ms. */
  ttl: "ttl",
  /** Hash sync key -> number of wake-ups since its last finished sync. */
  dirty: "dirty",
  /** Sorted set of sync keys that wait for a scheduler -> since when, Unix ms by Redis' clock. */
  ready: "ready",
  /** Hash sync key -> token of the scheduler that sees to it. */
  taken: "taken",
  /** Sorted set token of a scheduler -> end of its lease, Unix ms. */
  schedulers: "schedulers",
  /** Sorted set of one member while there is something for a waiting scheduler to take. */
  bell: "bell",
  /** Of versions before minor 2: Pods committed and perhaps not on the queue yet. */
  unqueued: "unqueued",
  /** Sorted set of event keys -> expiry, Unix ms. */
  eventExpiry: "evx",
  /** List of keys of settled Pods, oldest first. */
  settled: "settled",
  /** Hash of what the store says of itself: format, run id of the server, revision base. */
  meta: "meta",
  /** Held by the process that brings an older store up. */
  migration: "migration",
  /** Set of keys of Jobs that are not finished. */
  unfinished: "unfinished",
  /** Hash process -> when it was last here, and what it says of itself. */
  members: "members",
  /** Held by the scheduler that looks for what nothing announced. */
  resync: "resync",
  /** Hash Pod uid -> JSON of what is known of its ECS task, from before it is launched. */
  ecsRecords: "ecs:records",
  /** Hash Pod uid -> key of its Pod, of those that have such a record. */
  ecsOwners: "ecs:owners",
  /** Hash: since when the server's data is what it is. */
  ecsMeta: "ecs:meta",
  /** Hash task ARN -> `<version> <JSON>`: the newest that an event told of it. */
  ecsTasks: "ecs:tasks",
  /** Stream of what events told, for the workers that run the Pods. */
  ecsEvents: "ecs:events",
  /** Hash content hash -> JSON of a task definition: ARN, last use. */
  ecsDefinitions: "ecs:definitions",
  /** Hash lane -> JSON: why it is closed, and until when. */
  ecsLanes: "ecs:lanes",
  /** Hash Pod uid -> CPU units, of the tasks of a lane. */
  ecsVcpu: (lane: string) => `ecs:vcpu:${lane}`,
  /** String: how often Spot took back a Job's Pods (`namespace/job/index`) lately. */
  ecsReclaims: (pods: string) => `ecs:reclaims:${pods}`,
  /** Hash task ARN -> when it was first seen without a Pod, Unix ms. */
  ecsOrphans: "ecs:orphans",
  /** Hash of what the workers count, for metrics. */
  ecsCounters: "ecs:counters",
  /** Hash: one token bucket. */
  rateBucket: (name: string) => `rate:${name}`,
  /** String: who has a role. */
  role: (name: string) => `role:${name}`,
  /** Hash name -> what the cell's processes share: their secret, the certificate of the API. */
  shared: "shared",
} as const;
