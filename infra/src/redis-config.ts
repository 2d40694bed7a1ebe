// The choice of Redis: one that keeps every acknowledged write, or a cheaper one that may lose the last ones.
import { z } from "zod";

/** Daily snapshots that are kept. */
const SNAPSHOTS = 7;

const common = {
  /** Beside the primary, each in another zone. */
  replicas: z.int().min(1).max(2).default(1),
  snapshotRetentionDays: z.int().min(1).max(35).default(SNAPSHOTS),
};

export const redisConfig = z
  .discriminatedUnion("engine", [
    z.strictObject({
      /** A write is acknowledged once it is in a log in several zones. */
      engine: z.literal("memorydb"),
      nodeType: z.string().startsWith("db.").default("db.t4g.small"),
      ...common,
    }),
    z.strictObject({
      /** A failover may lose the last second of writes, the loss of all nodes those since the snapshot. */
      engine: z.literal("elasticache"),
      nodeType: z.string().startsWith("cache.").default("cache.t4g.small"),
      ...common,
    }),
  ])
  .prefault({ engine: "memorydb" });

export type RedisConfig = z.infer<typeof redisConfig>;
