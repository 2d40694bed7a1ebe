// The store's public face.
export {
  checkRedis,
  connect,
  infoField,
  onServerChange,
  type RedisClient,
  type RedisConnection,
  UnsafeRedisError,
} from "./connection.ts";
export { parseRedisUrl, RedisUrlError, shownRedisUrl } from "./redis-url.ts";
export { FORMAT, storedMinor, StoreVersionError } from "./format.ts";
export {
  type Member,
  members,
  type OpenPresence,
  openPresence,
  PRESENCE_EVERY_MS,
} from "./presence.ts";
export { type Resource, resources, clusterScoped, suffix } from "./keys.ts";
export {
  decodeBody,
  encodeBody,
  MalformedRecordError,
  type ObjectOf,
  type Stored,
  type StoredObject,
} from "./objects.ts";
export {
  openSecret,
  SealedSecretError,
  sealingKey,
  SecretBox,
  SecretKeyError,
} from "./secret-box.ts";
export {
  compareKeys,
  compareRevisions,
  ExpiredRevisionError,
  type Page,
  raiseRevisionBase,
  type RawItem,
  Store,
  type StoreOptions,
} from "./store.ts";
export { loadScripts } from "./script.ts";
export { type CommitResult, type Expected, Txn } from "./txn.ts";
export {
  createObject,
  createPod,
  EVENT_TTL_MS,
  type PodMembership,
  podMemberships,
  podNamePrefix,
  removeObject,
  removePod,
  templateId,
  updateObject,
  updatePod,
  writePod,
} from "./writes.ts";
export { type PodTemplate, processTemplates, Templates } from "./templates.ts";
export { type Subscription, type WatchChange, WatchHub } from "./watch.ts";
export type { PreviousSelectable } from "./selectable.ts";
export {
  allQueueNames,
  podPayload,
  type PodPayload,
  podQueueName,
  queueNames,
  runtimeNames,
} from "./queue-names.ts";
export { type ControllerQueues, Queues } from "./queues.ts";
export { type EndedJob, type JobEnd, PodQueue, queuePrefix, type TakenPod } from "./pod-queue.ts";
export { type Bell, listenToBell, type SweptKeys, type TakenKey, WorkQueue } from "./work-queue.ts";
export { namespaceContents, shareCertificate, sharedCertificate } from "./namespace-contents.ts";
export {
  dropLease,
  leaseExpiry,
  leases,
  nextFence,
  NODE_LEASE_MS,
  type NodeLease,
  renewLease,
} from "./leases.ts";
export { dueTimers, popTimers, setTimer, type Timer } from "./timers.ts";
export {
  deleteInTxn,
  type DeleteOutcome,
  deleteObject,
  type DeleteRequest,
  ownerSyncKey,
} from "./delete-object.ts";
export { gcKey, ownerOf } from "./gc-key.ts";
export { decodePod, encodePod } from "./pod-codec.ts";
export { readJobSnapshot, rememberJob, type StoredJobSnapshot } from "./job-snapshot.ts";
export { enqueuePods, type QueuedPod, queuedPod } from "./queued-pods.ts";
export {
  countEcsTasks,
  ecsLatencyBounds,
  ecsRegistration,
  readEcsCounters,
  readShutEcsLanes,
  type ShutEcsLane,
} from "./ecs-counters.ts";
export { type BucketLimit, RateBuckets, type Taken } from "./rate-buckets.ts";
export { holdRole, leaveRole } from "./role-lease.ts";
export {
  deleteTaskRecord,
  findSeenTask,
  putTaskRecord,
  readSeenTask,
  readTaskRecord,
  readTaskRecords,
  recordSeenTask,
  type SeenTask,
  taskOwners,
  type TaskRecord,
} from "./task-records.ts";
export { inspectServer, readLoad, type ServerState, type StoreLoad } from "./load.ts";
export { repeat, type Repeating, type WarnLog } from "./repeat.ts";
export { settleWithin } from "./settle-within.ts";
export { EventRecorder, type Regarding } from "./event-recorder.ts";
