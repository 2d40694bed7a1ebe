// The worker as `kubectl get nodes` shows it: its Node object and its lease.
import { release } from "node:os";
import {
  DEFAULT_RUNTIME_ANNOTATION,
  rfc3339,
  runtimeSettingsAnnotation,
  RUNTIMES_ANNOTATION,
  type Taint,
} from "@gantry/core";
import {
  createObject,
  dropLease,
  NODE_LEASE_MS,
  renewLease,
  type Store,
  type StoredObject,
  Txn,
  updateObject,
} from "@gantry/store";
import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Capacity } from "./capacity.ts";
import { mergeOptions, REGISTERED_ANNOTATION } from "./node-options.ts";

const RENEW_EVERY_MS = 5_000;

export interface NodeDescription {
  readonly name: string;
  readonly address: string;
  /** Where pods/log is answered, e.g. `http://127.0.0.1:41234`. */
  readonly logsUrl: string;
  readonly port: number;
  readonly capacity: Capacity;
  /** As given to this worker. */
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly runtimes: readonly string[];
  /** Runtime of the Pods that name none. */
  readonly defaultRuntime: string;
  /** By runtime: what admission is to know of its settings, where it has any. */
  readonly published: ReadonlyMap<string, string>;
  readonly version: string;
}

const archNames: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64", ia32: "386" };

type Annotations = Readonly<Record<string, string>>;

/** What an earlier run of this worker published is not to outlive its runtimes. */
const publications = (published: ReadonlyMap<string, string>, before: Annotations): Annotations => {
  const start = runtimeSettingsAnnotation("");
  const kept = Object.entries(before).filter(([key]) => !key.startsWith(start));
  const now = [...published].map(
    ([name, text]) => [runtimeSettingsAnnotation(name), text] as const,
  );
  return Object.fromEntries([...kept, ...now]);
};

const nodeObject = (
  node: NodeDescription,
  before: StoredObject | undefined,
  nowMs: number,
): StoredObject => {
  const time = rfc3339(nowMs);
  const arch = archNames[process.arch] ?? process.arch;
  const { capacity } = node;
  const merged = mergeOptions(node, before);
  return {
    kind: "Node",
    apiVersion: "v1",
    metadata: {
      name: node.name,
      uid: before?.metadata.uid ?? randomUUID(),
      creationTimestamp: before?.metadata.creationTimestamp ?? time,
      labels: {
        ...merged.labels,
        "beta.kubernetes.io/arch": arch,
        "beta.kubernetes.io/os": process.platform,
        "kubernetes.io/arch": arch,
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": process.platform,
      },
      annotations: {
        ...publications(node.published, before?.metadata.annotations ?? {}),
        "gantry.dev/logs-url": node.logsUrl,
        [RUNTIMES_ANNOTATION]: node.runtimes.join(","),
        [DEFAULT_RUNTIME_ANNOTATION]: node.defaultRuntime,
        [REGISTERED_ANNOTATION]: merged.registered,
      },
    },
    spec: merged.spec,
    status: {
      capacity,
      allocatable: capacity,
      conditions: [
        {
          type: "Ready",
          status: "True",
          lastHeartbeatTime: time,
          lastTransitionTime: time,
          reason: "KubeletReady",
          message: "worker is posting ready status",
        },
      ],
      addresses: [
        { type: "InternalIP", address: node.address },
        { type: "Hostname", address: node.name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: node.port } },
      nodeInfo: {
        machineID: "",
        systemUUID: "",
        bootID: "",
        kernelVersion: release(),
        osImage: process.platform,
        containerRuntimeVersion: `gantry://${node.version}`,
        kubeletVersion: `v${node.version}`,
        kubeProxyVersion: "",
        operatingSystem: process.platform,
        architecture: arch,
      },
    },
  };
};

export interface Registration {
  /** The Node's object is gone, or does not show that the worker is there: writes it again. */
  renew(): void;
  /** `gone`: the lease is given up, so that the scheduler need not wait for it to run out. */
  close(gone: boolean): Promise<void>;
}

export const registerNode = async (
  store: Store,
  node: NodeDescription,
  log: Logger,
  now: () => number,
): Promise<Registration> => {
  await renewLease(store, node.name, now() + NODE_LEASE_MS);
  await writeNode(store, node, now());
  let failing = false;
  const timer = setInterval(() => {
    renewLease(store, node.name, now() + NODE_LEASE_MS).then(
      () => {
        failing = false;
      },
      (error: unknown) => {
        if (!failing) log.warn({ err: error }, "the node's lease could not be renewed");
        failing = true;
      },
    );
  }, RENEW_EVERY_MS);
  const writes = new Set<Promise<void>>();
  let closed = false;
  return {
    renew() {
      if (closed || writes.size > 0) return;
      const write = writeNode(store, node, now())
        .catch((error: unknown) => log.warn({ err: error }, "the node could not be registered"))
        .finally(() => writes.delete(write));
      writes.add(write);
    },
    async close(gone) {
      closed = true;
      await Promise.all(writes);
      clearInterval(timer);
      if (gone) await dropLease(store, node.name);
    },
  };
};

const writeNode = async (store: Store, node: NodeDescription, nowMs: number): Promise<void> => {
  for (;;) {
    const before = await store.get("nodes", node.name);
    const value = nodeObject(node, before?.value, nowMs);
    const txn = new Txn();
    if (before === null) createObject(txn, "nodes", value, nowMs);
    else updateObject(txn, "nodes", before, value);
    if ((await store.commit(txn)).ok) return;
  }
};
