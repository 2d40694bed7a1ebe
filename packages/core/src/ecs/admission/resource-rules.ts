// What a Pod asks of CPU, memory, disk and devices, and whether a lane can give it.
import type { ResourceRequirements } from "../../schema/container.ts";
import { GPU, MIN_CONTAINER_MIB } from "../container-definition.ts";
import { fargateSizes } from "../fargate-sizes.ts";
import { MAX_STORAGE_GIB, mebibytes, storageGiB, taskSize, wantedSize } from "../task-sizing.ts";
import {
  type AdmissionCase,
  allContainers,
  type Finding,
  kindOf,
  refuseIf,
  refusal,
  warnIf,
} from "./finding.ts";

const usual = new Set(["cpu", "memory", "ephemeral-storage"]);

function deviceRules(pod: AdmissionCase, name: string, at: string): Finding[] {
  if (usual.has(name)) return [];
  if (name !== GPU) return [refusal(at, "ECS has no such resource")];
  if (kindOf(pod) === "fargate") return [refusal(at, "Fargate has no GPUs")];
  return refuseIf(!pod.lane.gpu, at, "this lane's instances have no GPUs");
}

function amountRules(
  pod: AdmissionCase,
  resources: ResourceRequirements | undefined,
  path: string,
): Finding[] {
  const kinds = (["limits", "requests"] as const).flatMap((kind) =>
    Object.keys(resources?.[kind] ?? {}).flatMap((name) =>
      deviceRules(pod, name, `${path}.resources.${kind}[${name}]`),
    ),
  );
  const memory = resources?.limits?.["memory"];
  return [
    ...kinds,
    ...refuseIf(
      memory !== undefined && mebibytes(memory) < MIN_CONTAINER_MIB,
      `${path}.resources.limits[memory]`,
      `a container of ECS has at least ${MIN_CONTAINER_MIB} MiB`,
    ),
    ...refuseIf(
      (resources?.claims ?? []).length > 0,
      `${path}.resources.claims`,
      "ECS has no resource claims",
    ),
  ];
}

function sizeRules({ spec, lane, settings }: AdmissionCase): Finding[] {
  if (taskSize(spec, lane, settings.prices) !== undefined) return [];
  const { cpuUnits, memoryMiB } = wantedSize(spec);
  const sizes = fargateSizes(lane.enable32Vcpu);
  const most = sizes.at(-1);
  const why =
    `its containers ask for ${cpuUnits / 1024} vCPU and ${memoryMiB} MiB together, and the largest ` +
    `Fargate task has ${(most?.cpuUnits ?? 0) / 1024} vCPU and ${most?.memoryMiB ?? 0} MiB`;
  return [refusal("containers", why)];
}

function storageRules(pod: AdmissionCase): Finding[] {
  const wanted = storageGiB(pod.spec);
  if (wanted === undefined) return [];
  const path = "containers";
  if (kindOf(pod) === "ec2") {
    return warnIf(true, path, "ephemeral storage is not reserved: tasks share their host's disk");
  }
  const why = `its containers and emptyDirs ask for ${wanted} GiB of disk, and a Fargate task has at most ${MAX_STORAGE_GIB}`;
  return refuseIf(wanted > MAX_STORAGE_GIB, path, why);
}

export const resourceRules = (pod: AdmissionCase): Finding[] => [
  ...allContainers(pod.spec).flatMap(({ container, path }) =>
    amountRules(pod, container.resources, path),
  ),
  ...sizeRules(pod),
  ...storageRules(pod),
];
