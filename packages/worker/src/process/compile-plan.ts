// From a Pod to what the supervisor runs: env, argv, users, mounts, probes and hooks resolved.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PodSpec } from "@gantry/core";
import type { LogLimits } from "../logs/log-file.ts";
import { containerBehaviour } from "../pod/behaviour.ts";
import { quantityAmount } from "../pod/field-ref.ts";
import { containerEnv, podHostname } from "../pod/environment.ts";
import { expand } from "../pod/expansion.ts";
import type { HostFacts } from "../pod/field-ref.ts";
import type { BackoffTiming } from "../pod/restart.ts";
import { DEFAULT_MESSAGE_PATH } from "../pod/termination-message.ts";
import { layOutVolumes, type MountPlan, mountsOf } from "../pod/volumes.ts";
import type { RunnablePod } from "../runtime.ts";
import { cgroupLimits } from "./cgroup.ts";
import { POD_MARKER } from "./leftovers.ts";
import type { ContainerPlan, PodPlan } from "./pod-plan.ts";
import type { VolumeLimit } from "../pod/volume-limits.ts";

type Container = NonNullable<PodSpec["containers"]>[number];

export interface PlanSettings {
  readonly host: HostFacts;
  readonly backoff: BackoffTiming;
  readonly logLimits: LogLimits;
  readonly rootless: boolean;
  readonly mountable: boolean;
  readonly allowedHostPaths: readonly string[];
  readonly memoryDirectory: () => string | undefined;
  readonly cgroupRoot?: string | undefined;
  readonly volumeCheckMs: number;
}

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DEFAULT_GRACE_SECONDS = 30;
/** Containers share the host's network, so their own address is the loopback one. */
const LOOPBACK = "127.0.0.1";

const user = (spec: PodSpec, container: Container): ContainerPlan["user"] => {
  const context = { ...spec.securityContext, ...container.securityContext };
  const { supplementalGroups = [], fsGroup } = spec.securityContext ?? {};
  const groups = fsGroup === undefined ? supplementalGroups : [...supplementalGroups, fsGroup];
  const { runAsUser, runAsGroup } = context;
  if (process.getuid?.() !== 0) return undefined;
  if (runAsUser === undefined && runAsGroup === undefined && groups.length === 0) return undefined;
  return { uid: runAsUser ?? 0, gid: runAsGroup ?? 0, groups: [...new Set(groups)] };
};

/**
 * A container gets its message file when it asks for a path of its own, or names the default one.
 * Giving it to every container would cost each of them a mount namespace.
 */
const wantsMessageFile = (container: Container, argv: readonly string[]): boolean => {
  const path = container.terminationMessagePath ?? DEFAULT_MESSAGE_PATH;
  if (path !== DEFAULT_MESSAGE_PATH || (container.volumeMounts ?? []).length > 0) return true;
  const values = (container.env ?? []).map(({ value = "" }) => value);
  return [...argv, ...values].some((text) => text.includes(path));
};

const messageFile = (directory: string, container: Container): string => {
  const path = join(directory, `message-${container.name}`);
  writeFileSync(path, "", { flag: "a" });
  chmodSync(path, 0o666);
  return path;
};

const containerPlan = (
  pod: RunnablePod,
  container: Container,
  isInit: boolean,
  directory: string,
  volumes: ReadonlyMap<string, string>,
  settings: PlanSettings,
): ContainerPlan => {
  const { spec } = pod;
  const variables = containerEnv(pod, container, settings.host);
  const argv = [...(container.command ?? []), ...(container.args ?? [])].map((text) =>
    expand(text, variables),
  );
  const runAs = user(spec, container);
  const home = join(directory, "home");
  const mounts: MountPlan[] = mountsOf(pod, container.volumeMounts ?? [], volumes, variables);
  const message =
    settings.mountable && wantsMessageFile(container, argv)
      ? messageFile(directory, container)
      : undefined;
  if (message !== undefined) {
    const target = container.terminationMessagePath ?? DEFAULT_MESSAGE_PATH;
    mounts.push({ source: message, target, readOnly: false });
  }
  const behaviour = containerBehaviour(spec, container, isInit, LOOPBACK);
  return {
    ...behaviour,
    stopSignal: behaviour.stopSignal ?? "SIGTERM",
    image: container.image ?? "",
    argv,
    env: {
      PATH: DEFAULT_PATH,
      HOME: home,
      HOSTNAME: podHostname(pod),
      ...Object.fromEntries(variables),
      [POD_MARKER]: pod.uid,
    },
    cwd:
      container.workingDir === undefined || container.workingDir === ""
        ? home
        : container.workingDir,
    user: runAs,
    stdin: container.stdin !== true ? undefined : container.stdinOnce === true ? "once" : "open",
    mounts: mounts.length === 0 ? undefined : mounts,
    messageFile: message,
    messageFromLogs: container.terminationMessagePolicy === "FallbackToLogsOnError",
    limits: settings.cgroupRoot === undefined ? undefined : limits(container),
  };
};

const limits = ({ resources }: Container): ContainerPlan["limits"] => {
  const amount = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : quantityAmount(text);
  return cgroupLimits({
    cpuLimit: amount(resources?.limits?.["cpu"]),
    cpuRequest: amount(resources?.requests?.["cpu"] ?? resources?.limits?.["cpu"]),
    memoryLimit: amount(resources?.limits?.["memory"]),
  });
};

const volumeLimits = (
  { volumes = [] }: PodSpec,
  paths: ReadonlyMap<string, string>,
): VolumeLimit[] =>
  volumes.flatMap(({ name = "", emptyDir }) => {
    const [path, limit] = [paths.get(name), emptyDir?.sizeLimit];
    if (path === undefined || limit === undefined) return [];
    const limitBytes = quantityAmount(limit);
    // As for a kubelet, zero is no limit.
    return limitBytes > 0 ? [{ volume: name, path, limit, limitBytes }] : [];
  });

/** Makes the Pod's directory. Throws ContainerConfigError, VolumeError, or a file system's error. */
export const compilePlan = (
  pod: RunnablePod,
  directory: string,
  settings: PlanSettings,
): PodPlan => {
  const { spec } = pod;
  const home = join(directory, "home");
  mkdirSync(home, { recursive: true });
  // Containers may run as other users.
  chmodSync(home, 0o777);
  const volumes = layOutVolumes(pod, directory, settings);
  const plan = (container: Container, isInit: boolean): ContainerPlan =>
    containerPlan(pod, container, isInit, directory, volumes, settings);
  return {
    uid: pod.uid,
    namespace: pod.namespace,
    name: pod.name,
    directory,
    podIP: settings.host.podIP,
    graceSeconds: Math.max(0, spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS),
    deadlineMs:
      spec.activeDeadlineSeconds === undefined ? undefined : spec.activeDeadlineSeconds * 1000,
    backoff: settings.backoff,
    logLimits: settings.logLimits,
    rootless: settings.rootless,
    cgroupRoot: settings.cgroupRoot,
    volumeLimits: volumeLimits(spec, volumes),
    volumeCheckMs: settings.volumeCheckMs,
    initContainers: (spec.initContainers ?? []).map((each) => plan(each, true)),
    containers: (spec.containers ?? []).map((each) => plan(each, false)),
  };
};
