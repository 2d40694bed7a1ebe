// The Redis topologies that the end-to-end tests run against, by name.
import {
  startCluster,
  startSentinels,
  startSingle,
  type Topology,
} from "@gantry/store/testing/redis-topologies";
import { findValkey } from "../support/valkey.ts";

export type Started = Topology | { readonly reason: string };

/** `reason`: why it can't be had on this machine. */
export const topologies: Readonly<Record<string, () => Promise<Started>>> = {
  cluster: () => startCluster({ replicas: true }),
  sentinel: () => startSentinels(),
  valkey: async () => {
    const found = await findValkey();
    return "reason" in found ? found : startSingle({ program: found.program });
  },
  "valkey-cluster": async () => {
    const found = await findValkey();
    return "reason" in found ? found : startCluster({ program: found.program, replicas: true });
  },
};
