// What the process runtime can't do of a Pod, by field path, and what it leaves undone harmlessly.
import { z } from "zod";
import type { PodSpec } from "../schema/pod.ts";
import { isAllowedHostPath } from "./host-paths.ts";
import type { Located } from "./located.ts";

type Container = NonNullable<PodSpec["containers"]>[number];
type Volume = NonNullable<PodSpec["volumes"]>[number];

/** What a worker publishes of its host. */
const hostRules = z.strictObject({
  /** Why containers can't have mounts of their own; `null` when they can. */
  mountRefusal: z.string().nullable(),
  /** hostPath volumes must lie below one of these. */
  allowedHostPaths: z.array(z.string()).readonly(),
  isRoot: z.boolean(),
  uid: z.number(),
  gid: z.number(),
});
export type HostRules = z.infer<typeof hostRules>;

export const parseHostRules = (published: unknown): HostRules | undefined =>
  hostRules.safeParse(published).data;

const DEFAULT_MESSAGE_PATH = "/dev/termination-log";

const noImage =
  "the process runtime does not use the image, so it has no entrypoint to take from it: " +
  "set command, or use a runtime that runs the image (docker, ecs)";

const supportedVolumes = new Set([
  "name",
  "emptyDir",
  "hostPath",
  "configMap",
  "secret",
  "downwardAPI",
  "projected",
]);
const supportedProjections = new Set(["secret", "configMap", "downwardAPI"]);

const volumeRejections = (volume: Volume, path: string, rules: HostRules): Located[] => {
  const rejections: Located[] = [];
  for (const [source, value] of Object.entries(volume)) {
    if (value === undefined || supportedVolumes.has(source)) continue;
    const message =
      "the process runtime has no such volumes; it has emptyDir, hostPath, configMap, secret, downwardAPI and projected";
    rejections.push({ path: `${path}.${source}`, message });
  }
  const hostPath = volume.hostPath?.path;
  if (hostPath !== undefined && !isAllowedHostPath(hostPath, rules.allowedHostPaths)) {
    const message = `${hostPath} is not below a path that this worker allows`;
    rejections.push({ path: `${path}.hostPath.path`, message });
  }
  for (const [n, source] of (volume.projected?.sources ?? []).entries()) {
    for (const [kind, value] of Object.entries(source)) {
      if (value === undefined || supportedProjections.has(kind)) continue;
      const message = "the process runtime projects secret, configMap and downwardAPI only";
      rejections.push({ path: `${path}.projected.sources[${n}].${kind}`, message });
    }
  }
  return rejections;
};

const userRejections = (
  spec: PodSpec,
  container: Container,
  path: string,
  rules: HostRules,
): Located[] => {
  const context = { ...spec.securityContext, ...container.securityContext };
  const rejections: Located[] = [];
  const refuse = (field: string, message: string): void => {
    rejections.push({ path: `${path}.securityContext.${field}`, message });
  };
  const changesUser = (context.runAsUser ?? rules.uid) !== rules.uid;
  const changesGroup = (context.runAsGroup ?? rules.gid) !== rules.gid;
  if (changesUser && !rules.isRoot)
    refuse("runAsUser", "only a worker that is root can change the user");
  if (changesGroup && !rules.isRoot)
    refuse("runAsGroup", "only a worker that is root can change the group");
  if (context.runAsNonRoot === true && (context.runAsUser ?? rules.uid) === 0) {
    refuse("runAsNonRoot", "container has runAsNonRoot and would run as root; set runAsUser");
  }
  return rejections;
};

const containerRejections = (
  spec: PodSpec,
  container: Container,
  path: string,
  rules: HostRules,
): Located[] => {
  const rejections = userRejections(spec, container, path, rules);
  const refuse = (field: string, message: string): void => {
    rejections.push({ path: `${path}.${field}`, message });
  };
  if ((container.command ?? []).length === 0) refuse("command", noImage);
  if (container.tty === true) refuse("tty", "the process runtime has no terminals");
  if ((container.volumeDevices ?? []).length > 0)
    refuse("volumeDevices", "block devices are not supported");
  const refusal = rules.mountRefusal;
  if (refusal !== null && (container.volumeMounts ?? []).length > 0)
    refuse("volumeMounts", refusal);
  const messagePath = container.terminationMessagePath ?? DEFAULT_MESSAGE_PATH;
  if (refusal !== null && messagePath !== DEFAULT_MESSAGE_PATH)
    refuse("terminationMessagePath", refusal);
  for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"] as const) {
    if (container[probe]?.grpc !== undefined) {
      refuse(`${probe}.grpc`, "use exec, httpGet or tcpSocket");
    }
  }
  for (const [n, rule] of (container.restartPolicyRules ?? []).entries()) {
    if (rule.action === "Restart") continue;
    refuse(`restartPolicyRules[${n}].action`, "the process runtime has Restart only");
  }
  for (const [n, variable] of (container.env ?? []).entries()) {
    if (variable.valueFrom?.fileKeyRef === undefined) continue;
    refuse(`env[${n}].valueFrom.fileKeyRef`, "the process runtime has no variables from files");
  }
  return rejections;
};

export const processRejections = (spec: PodSpec, rules: HostRules): Located[] => {
  const rejections: Located[] = [];
  for (const list of ["initContainers", "containers"] as const) {
    for (const [n, container] of (spec[list] ?? []).entries()) {
      rejections.push(...containerRejections(spec, container, `${list}[${n}]`, rules));
    }
  }
  for (const [n, volume] of (spec.volumes ?? []).entries()) {
    rejections.push(...volumeRejections(volume, `volumes[${n}]`, rules));
  }
  const { fsGroup, supplementalGroups = [] } = spec.securityContext ?? {};
  if (!rules.isRoot && (fsGroup !== undefined || supplementalGroups.length > 0)) {
    const message = "only a worker that is root can give Pods other groups";
    rejections.push({ path: "securityContext", message });
  }
  if (spec.os?.name === "windows") {
    rejections.push({ path: "os.name", message: "this worker is no Windows host" });
  }
  return rejections;
};
