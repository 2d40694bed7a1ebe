// What of single containers ECS has no counterpart for: hooks, probes, ports, restarts.
import type { Probe } from "../../schema/container.ts";
import { probesOf } from "../health-check.ts";
import {
  type AdmissionCase,
  allContainers,
  type Finding,
  type LocatedContainer,
  refuseIf,
  refusal,
  warnIf,
} from "./finding.ts";

const DEFAULT_MESSAGE_PATH = "/dev/termination-log";

function actionRules(probe: Probe, path: string): Finding[] {
  for (const action of ["httpGet", "tcpSocket", "grpc"] as const) {
    if (probe[action] === undefined) continue;
    return [refusal(`${path}.${action}`, "a health check of ECS runs a command: use exec")];
  }
  return [];
}

/** ECS has one health check a container. */
function probeRules({ container, path }: LocatedContainer): Finding[] {
  const probes = probesOf(container);
  return probes.flatMap(({ name, probe }, n) => [
    ...actionRules(probe, `${path}.${name}`),
    ...refuseIf(
      n > 0,
      `${path}.${name}`,
      `a container has one health check, and ${probes[0]?.name ?? ""} is it`,
    ),
  ]);
}

function portRules({ container, path }: LocatedContainer): Finding[] {
  return (container.ports ?? []).flatMap(({ hostPort = 0 }, n) =>
    refuseIf(hostPort !== 0, `${path}.ports[${n}].hostPort`, "a task has an address of its own"),
  );
}

function restartRules({ container, path, isInit }: LocatedContainer): Finding[] {
  const { restartPolicy, restartPolicyRules = [] } = container;
  const allowed = restartPolicy === undefined || (isInit && restartPolicy === "Always");
  return [
    ...refuseIf(
      !allowed,
      `${path}.restartPolicy`,
      "a task restarts as a whole; only sidecars (Always, of an init container) are told apart",
    ),
    ...refuseIf(
      restartPolicyRules.length > 0,
      `${path}.restartPolicyRules`,
      "a task restarts as a whole, by the Pod's restartPolicy",
    ),
  ];
}

function hookRules({ container, path }: LocatedContainer): Finding[] {
  return (["postStart", "preStop", "stopSignal"] as const).flatMap((name) =>
    refuseIf(
      container.lifecycle?.[name] !== undefined,
      `${path}.lifecycle.${name}`,
      name === "stopSignal" ? "ECS uses the image's STOPSIGNAL" : "ECS has no lifecycle hooks",
    ),
  );
}

const messagePath = ({ container, path }: LocatedContainer): Finding[] =>
  warnIf(
    ![DEFAULT_MESSAGE_PATH, undefined, ""].includes(container.terminationMessagePath),
    `${path}.terminationMessagePath`,
    "ignored: files of an ended task can't be read",
  );

const pulls = ({ container, path }: LocatedContainer): Finding[] =>
  warnIf(
    container.imagePullPolicy === "Never",
    `${path}.imagePullPolicy`,
    "ignored: ECS decides when to pull",
  );

const rules = [probeRules, portRules, restartRules, hookRules, messagePath, pulls];

export const containerRules = ({ spec }: AdmissionCase): Finding[] =>
  allContainers(spec).flatMap((located) => rules.flatMap((rule) => rule(located)));
