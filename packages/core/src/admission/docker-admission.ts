// What the docker runtime can't do of a Pod, or the worker does not allow, by field path.
import { z } from "zod";
import type { PodSpec } from "../schema/pod.ts";
import { isAllowedHostPath } from "./host-paths.ts";
import type { Located } from "./located.ts";

type Container = NonNullable<PodSpec["containers"]>[number];
type Volume = NonNullable<PodSpec["volumes"]>[number];

/** What a worker publishes of what it allows. */
const dockerRules = z.strictObject({
  /** hostPath volumes must lie below one of these. */
  allowedHostPaths: z.array(z.string()).readonly(),
  /** privileged, the host's namespaces, and capabilities beyond the baseline. */
  allowPrivileged: z.boolean(),
  /** The network that Pods get: `bridge`, `none`, `host`, or one that the engine has. */
  network: z.string(),
});
export type DockerRules = z.infer<typeof dockerRules>;

export const parseDockerRules = (published: unknown): DockerRules | undefined =>
  dockerRules.safeParse(published).data;

/** Capabilities that the Pod Security Standard "baseline" lets Pods add. */
const baselineCapabilities = new Set([
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
]);
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
const supportedResources = new Set(["cpu", "memory", "ephemeral-storage"]);
const probes = ["startupProbe", "livenessProbe", "readinessProbe"] as const;

const NOT_ALLOWED = "this worker does not allow privileged Pods";

type Refuse = (field: string, message: string) => void;

const checkVolume = (volume: Volume, rules: DockerRules, refuse: Refuse): void => {
  for (const [source, value] of Object.entries(volume)) {
    if (value === undefined || supportedVolumes.has(source)) continue;
    refuse(
      source,
      "the docker runtime has emptyDir, hostPath, configMap, secret, downwardAPI and projected",
    );
  }
  const path = volume.hostPath?.path;
  if (path !== undefined && !isAllowedHostPath(path, rules.allowedHostPaths)) {
    refuse("hostPath.path", `${path} is not below a path that this worker allows`);
  }
  for (const [n, source] of (volume.projected?.sources ?? []).entries()) {
    for (const [kind, value] of Object.entries(source)) {
      if (value === undefined || supportedProjections.has(kind)) continue;
      refuse(
        `projected.sources[${n}].${kind}`,
        "the docker runtime projects secret, configMap and downwardAPI only",
      );
    }
  }
};

const checkProbes = (
  spec: PodSpec,
  container: Container,
  rules: DockerRules,
  refuse: Refuse,
): void => {
  const reachable = rules.network !== "none" || spec.hostNetwork === true;
  const { postStart, preStop } = container.lifecycle ?? {};
  const all = [
    ...probes.map((name) => [name, container[name]] as const),
    ...([
      ["lifecycle.postStart", postStart],
      ["lifecycle.preStop", preStop],
    ] as const),
  ];
  for (const [field, probe] of all) {
    if (probe === undefined) continue;
    if ("grpc" in probe && probe.grpc !== undefined)
      refuse(`${field}.grpc`, "use exec, httpGet or tcpSocket");
    for (const kind of ["httpGet", "tcpSocket"] as const) {
      if (probe[kind] === undefined || probe[kind].host !== undefined || reachable) continue;
      refuse(`${field}.${kind}`, "this worker's Pods have no network to be probed over; use exec");
    }
  }
};

const checkSecurity = (container: Container, rules: DockerRules, refuse: Refuse): void => {
  const context = container.securityContext ?? {};
  if (rules.allowPrivileged) return;
  if (context.privileged === true) refuse("securityContext.privileged", NOT_ALLOWED);
  for (const name of context.capabilities?.add ?? []) {
    if (baselineCapabilities.has(name.replace(/^CAP_/, ""))) continue;
    refuse("securityContext.capabilities.add", `${name}: ${NOT_ALLOWED}`);
  }
  if (context.seccompProfile?.type === "Unconfined") {
    refuse("securityContext.seccompProfile.type", `Unconfined: ${NOT_ALLOWED}`);
  }
};

const checkContainer = (
  spec: PodSpec,
  container: Container,
  rules: DockerRules,
  refuse: Refuse,
): void => {
  checkProbes(spec, container, rules, refuse);
  checkSecurity(container, rules, refuse);
  const context = container.securityContext ?? {};
  if (context.seccompProfile?.type === "Localhost") {
    refuse("securityContext.seccompProfile.type", "the docker runtime has no profiles of its own");
  }
  if ((container.volumeDevices ?? []).length > 0)
    refuse("volumeDevices", "block devices are not supported");
  for (const name of Object.keys(container.resources?.limits ?? {})) {
    if (supportedResources.has(name)) continue;
    refuse(`resources.limits.${name}`, "the docker runtime has cpu and memory");
  }
  for (const [n, rule] of (container.restartPolicyRules ?? []).entries()) {
    if (rule.action === "Restart") continue;
    refuse(`restartPolicyRules[${n}].action`, "the docker runtime has Restart only");
  }
  for (const [n, variable] of (container.env ?? []).entries()) {
    if (variable.valueFrom?.fileKeyRef === undefined) continue;
    refuse(`env[${n}].valueFrom.fileKeyRef`, "the docker runtime has no variables from files");
  }
  for (const [n, mount] of (container.volumeMounts ?? []).entries()) {
    const field = `volumeMounts[${n}]`;
    if ((mount.mountPropagation ?? "None") !== "None")
      refuse(`${field}.mountPropagation`, "the docker runtime has None only");
    const volume = spec.volumes?.find(({ name }) => name === mount.name);
    if (volume?.emptyDir?.medium !== "Memory") continue;
    if ((mount.subPath ?? mount.subPathExpr ?? "") !== "")
      refuse(`${field}.subPath`, "volumes in memory are mounted whole");
  }
};

export const dockerRejections = (spec: PodSpec, rules: DockerRules): Located[] => {
  const rejections: Located[] = [];
  const below =
    (path: string): Refuse =>
    (field, message) => {
      rejections.push({ path: `${path}.${field}`, message });
    };
  for (const list of ["initContainers", "containers"] as const) {
    for (const [n, container] of (spec[list] ?? []).entries()) {
      checkContainer(spec, container, rules, below(`${list}[${n}]`));
    }
  }
  for (const [n, volume] of (spec.volumes ?? []).entries()) {
    checkVolume(volume, rules, below(`volumes[${n}]`));
  }
  for (const field of ["hostNetwork", "hostPID", "hostIPC"] as const) {
    if (spec[field] !== true || rules.allowPrivileged) continue;
    if (field === "hostNetwork" && rules.network === "host") continue;
    rejections.push({ path: field, message: NOT_ALLOWED });
  }
  if (spec.securityContext?.seccompProfile?.type === "Unconfined" && !rules.allowPrivileged) {
    rejections.push({ path: "securityContext.seccompProfile.type", message: NOT_ALLOWED });
  }
  if (spec.os?.name === "windows") {
    rejections.push({ path: "os.name", message: "this worker runs Linux containers" });
  }
  return rejections;
};
