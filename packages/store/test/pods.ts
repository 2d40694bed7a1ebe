// Pod records for the store's tests.
import { randomUUID } from "node:crypto";
import type { PodRecord } from "@gantry/core";

export const podRecord = (name: string, change: Partial<PodRecord> = {}): PodRecord => ({
  namespace: "default",
  name,
  uid: randomUUID(),
  createdAtMs: 1_795_000_000_123,
  job: { name: "pi", uid: "4a3f6c1e-2222-4333-8444-555566667777" },
  template: "abcdefgh",
  tracked: true,
  phase: "Pending",
  ready: false,
  containers: [],
  ...change,
});
