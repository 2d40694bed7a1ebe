// Which volumes ECS has, and which mounts.
import type { Volume } from "../../schema/volume.ts";
import { efsOf, isInMemory } from "../task-volumes.ts";
import {
  type AdmissionCase,
  allContainers,
  type Finding,
  kindOf,
  type LocatedContainer,
  refuseIf,
  refusal,
} from "./finding.ts";

const supported = new Set(["name", "emptyDir", "hostPath", "persistentVolumeClaim", "nfs"]);

const has = "it has emptyDir, and persistentVolumeClaim and nfs on EFS";

const isBelow = (path: string, root: string): boolean =>
  root === "/" || path === root || path.startsWith(`${root.replace(/\/$/, "")}/`);

function hostPathRules(pod: AdmissionCase, { hostPath }: Volume, path: string): Finding[] {
  if (hostPath === undefined) return [];
  const at = `${path}.hostPath`;
  if (kindOf(pod) === "fargate") return [refusal(at, "Fargate has no hosts to share files with")];
  const { path: asked = "" } = hostPath;
  const isAllowed =
    !asked.split("/").includes("..") &&
    pod.settings.allowedHostPaths.some((root) => isBelow(asked, root));
  return refuseIf(!isAllowed, `${at}.path`, `${asked} is not below a path that is allowed`);
}

function efsRules({ namespace, settings }: AdmissionCase, volume: Volume, path: string): Finding[] {
  const { persistentVolumeClaim: claim, nfs } = volume;
  if (claim === undefined && nfs === undefined) return [];
  const found = efsOf(settings, namespace, volume);
  if (claim !== undefined) {
    const why = `no file system is set up for ${namespace}/${claim.claimName ?? ""} (efs.claims in the runtime's settings)`;
    return refuseIf(found === undefined, `${path}.persistentVolumeClaim`, why);
  }
  const why = `no file system is set up for ${nfs?.server ?? ""} (efs.servers in the runtime's settings)`;
  const rooted = found?.accessPointId !== undefined && (nfs?.path ?? "/") !== "/";
  return [
    ...refuseIf(found === undefined, `${path}.nfs.server`, why),
    ...refuseIf(rooted, `${path}.nfs.path`, "an EFS access point has a root of its own: use /"),
  ];
}

function volumeRulesOf(pod: AdmissionCase, volume: Volume, path: string): Finding[] {
  const others = Object.entries(volume).filter(
    ([source, value]) => value !== undefined && !supported.has(source),
  );
  const mounts = allContainers(pod.spec).filter(({ container }) =>
    (container.volumeMounts ?? []).some(({ name }) => name === volume.name),
  );
  return [
    ...others.map(([source]) => refusal(`${path}.${source}`, `ECS has no such volumes; ${has}`)),
    ...hostPathRules(pod, volume, path),
    ...efsRules(pod, volume, path),
    ...refuseIf(
      isInMemory(volume) && mounts.length > 1,
      `${path}.emptyDir.medium`,
      "a volume in memory can't be shared by containers: use one on disk",
    ),
  ];
}

function mountRules({ container, path }: LocatedContainer): Finding[] {
  const devices = refuseIf(
    (container.volumeDevices ?? []).length > 0,
    `${path}.volumeDevices`,
    "ECS has no block devices",
  );
  const mounts = (container.volumeMounts ?? []).flatMap((mount, n) => {
    const at = `${path}.volumeMounts[${n}]`;
    const { subPath = "", subPathExpr = "", mountPropagation = "None" } = mount;
    const whole = "ECS mounts volumes as a whole";
    return [
      ...refuseIf(subPath !== "", `${at}.subPath`, whole),
      ...refuseIf(subPathExpr !== "", `${at}.subPathExpr`, whole),
      ...refuseIf(mountPropagation !== "None", `${at}.mountPropagation`, "ECS has none"),
      ...refuseIf(
        mount.recursiveReadOnly === "Enabled",
        `${at}.recursiveReadOnly`,
        "ECS can't make mounts below read-only",
      ),
    ];
  });
  return [...devices, ...mounts];
}

export const volumeRules = (pod: AdmissionCase): Finding[] => [
  ...(pod.spec.volumes ?? []).flatMap((volume, n) => volumeRulesOf(pod, volume, `volumes[${n}]`)),
  ...allContainers(pod.spec).flatMap(mountRules),
];
