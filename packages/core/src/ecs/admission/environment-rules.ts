// What of a container's environment ECS can't give it: what is known only once a task runs, and
// Secrets that no ARN stands for.
import type { EnvVar } from "../../schema/container.ts";
import { OWNER_ENV } from "../task.ts";
import { mappedSecret } from "../task-environment.ts";
import { referredVariables } from "../variable-expansion.ts";
import {
  type AdmissionCase,
  allContainers,
  type Finding,
  type LocatedContainer,
  refuseIf,
} from "./finding.ts";

const unknownBefore = /^status\.|^spec\.nodeName$/;
const ownNames: ReadonlySet<string> = new Set(Object.values(OWNER_ENV));

const noSecret = (path: string): string =>
  `no ARN is set up for ${path} (secrets in the runtime's settings)`;

function variableRules(
  { namespace, settings }: AdmissionCase,
  { name = "", valueFrom = {} }: EnvVar,
  path: string,
): Finding[] {
  const { fieldRef, fileKeyRef, secretKeyRef } = valueFrom;
  const secret = `${namespace}/${secretKeyRef?.name ?? ""}/${secretKeyRef?.key ?? ""}`;
  const isMissing = secretKeyRef !== undefined && settings.secrets[secret] === undefined;
  return [
    ...refuseIf(ownNames.has(name), `${path}.name`, "Gantry finds its tasks by this variable"),
    ...refuseIf(
      unknownBefore.test(fieldRef?.fieldPath ?? ""),
      `${path}.valueFrom.fieldRef`,
      "it is not known before the task runs: read $ECS_CONTAINER_METADATA_URI_V4",
    ),
    ...refuseIf(
      fileKeyRef !== undefined,
      `${path}.valueFrom.fileKeyRef`,
      "ECS has no variables from files",
    ),
    ...refuseIf(
      isMissing && secretKeyRef?.optional !== true,
      `${path}.valueFrom.secretKeyRef`,
      noSecret(secret),
    ),
  ];
}

function sourceRules(
  { namespace, settings }: AdmissionCase,
  { container, path }: LocatedContainer,
): Finding[] {
  return (container.envFrom ?? []).flatMap(({ secretRef }, n) => {
    if (secretRef === undefined || secretRef.optional === true) return [];
    const { name = "" } = secretRef;
    const isMapped = mappedSecret(settings, namespace, name).size > 0;
    return refuseIf(!isMapped, `${path}.envFrom[${n}].secretRef`, noSecret(`${namespace}/${name}`));
  });
}

/** Names of the variables whose values only ECS will know. */
function secretNames(
  { namespace, settings }: AdmissionCase,
  { container }: LocatedContainer,
): Set<string> {
  const names = new Set<string>();
  for (const { prefix = "", secretRef } of container.envFrom ?? []) {
    if (secretRef === undefined) continue;
    const mapped = mappedSecret(settings, namespace, secretRef.name ?? "");
    for (const key of mapped.keys()) names.add(`${prefix}${key}`);
  }
  for (const { name = "", valueFrom } of container.env ?? []) {
    if (valueFrom?.secretKeyRef === undefined) names.delete(name);
    else names.add(name);
  }
  return names;
}

/** `$(SECRET)` would have to be expanded here, where the value is not known. */
function expansionRules(pod: AdmissionCase, located: LocatedContainer): Finding[] {
  const secrets = secretNames(pod, located);
  if (secrets.size === 0) return [];
  const { container, path } = located;
  const texts = [
    ...(container.env ?? []).map(
      ({ value = "" }, n) => [`${path}.env[${n}].value`, value] as const,
    ),
    ...(container.command ?? []).map((text, n) => [`${path}.command[${n}]`, text] as const),
    ...(container.args ?? []).map((text, n) => [`${path}.args[${n}]`, text] as const),
  ];
  return texts.flatMap(([at, text]) => {
    const name = referredVariables(text).find((one) => secrets.has(one));
    const why = `$(${name ?? ""}) is a secret that only ECS reads: let the program expand it`;
    return refuseIf(name !== undefined, at, why);
  });
}

export const environmentRules = (pod: AdmissionCase): Finding[] =>
  allContainers(pod.spec).flatMap((located) => [
    ...(located.container.env ?? []).flatMap((variable, n) =>
      variableRules(pod, variable, `${located.path}.env[${n}]`),
    ),
    ...sourceRules(pod, located),
    ...expansionRules(pod, located),
  ]);
