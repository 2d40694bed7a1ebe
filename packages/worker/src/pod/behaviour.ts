// How a container behaves whatever runs it: restarts, probes, hooks and stop signal, resolved.
import type { PodSpec } from "@gantry/core";
import type { RestartBehaviour } from "./restart.ts";

type Container = NonNullable<PodSpec["containers"]>[number];
type Probe = NonNullable<Container["livenessProbe"]>;
type Hook = NonNullable<NonNullable<Container["lifecycle"]>["preStop"]>;

export type ProbeAction =
  | { readonly kind: "exec"; readonly argv: readonly string[] }
  | {
      readonly kind: "http";
      readonly url: string;
      readonly headers: readonly (readonly [string, string])[];
    }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export type HookAction = ProbeAction | { readonly kind: "sleep"; readonly seconds: number };

export interface ProbePlan {
  readonly action: ProbeAction;
  readonly initialDelayMs: number;
  readonly timeoutMs: number;
  readonly periodMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
  /** Grace for the kill that a failed liveness or startup probe causes. */
  readonly graceSeconds?: number | undefined;
}

export interface ContainerBehaviour {
  readonly name: string;
  /** An init container that keeps running (restartPolicy Always). */
  readonly sidecar: boolean;
  readonly restart: RestartBehaviour;
  /** Not set: the image's, or SIGTERM. */
  readonly stopSignal?: NodeJS.Signals | undefined;
  readonly postStart?: HookAction | undefined;
  readonly preStop?: HookAction | undefined;
  readonly startupProbe?: ProbePlan | undefined;
  readonly livenessProbe?: ProbePlan | undefined;
  readonly readinessProbe?: ProbePlan | undefined;
}

const portNumber = (container: Container, port: number | string | undefined): number => {
  if (typeof port === "number") return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  return named ?? Number(port);
};

const action = (container: Container, from: Probe | Hook, podHost: string): ProbeAction => {
  if (from.httpGet !== undefined) {
    const { scheme = "HTTP", host = podHost, path = "/", port, httpHeaders = [] } = from.httpGet;
    const base = `${scheme.toLowerCase()}://${host}:${portNumber(container, port)}`;
    const url = `${base}${path.startsWith("/") ? "" : "/"}${path}`;
    const headers = httpHeaders.map(({ name = "", value = "" }) => [name, value] as const);
    return { kind: "http", url, headers };
  }
  if (from.tcpSocket !== undefined) {
    const { host = podHost, port } = from.tcpSocket;
    return { kind: "tcp", host, port: portNumber(container, port) };
  }
  return { kind: "exec", argv: from.exec?.command ?? [] };
};

const hook = (
  container: Container,
  from: Hook | undefined,
  podHost: string,
): HookAction | undefined => {
  if (from === undefined) return undefined;
  if (from.sleep !== undefined) return { kind: "sleep", seconds: from.sleep.seconds ?? 0 };
  return action(container, from, podHost);
};

const probe = (
  container: Container,
  from: Probe | undefined,
  podHost: string,
): ProbePlan | undefined =>
  from === undefined
    ? undefined
    : {
        action: action(container, from, podHost),
        initialDelayMs: (from.initialDelaySeconds ?? 0) * 1000,
        timeoutMs: (from.timeoutSeconds ?? 1) * 1000,
        periodMs: (from.periodSeconds ?? 10) * 1000,
        successThreshold: from.successThreshold ?? 1,
        failureThreshold: from.failureThreshold ?? 3,
        graceSeconds: from.terminationGracePeriodSeconds,
      };

/** `podHost`: where probes without a host connect to. */
export const containerBehaviour = (
  spec: PodSpec,
  container: Container,
  isInit: boolean,
  podHost: string,
): ContainerBehaviour => {
  const sidecar = isInit && container.restartPolicy === "Always";
  return {
    name: container.name ?? "",
    sidecar,
    restart: {
      podPolicy: spec.restartPolicy ?? "Always",
      containerPolicy: container.restartPolicy,
      rules: container.restartPolicyRules?.map(({ exitCodes }) => ({
        operator: exitCodes?.operator ?? "In",
        values: exitCodes?.values ?? [],
      })),
      runsToSuccess: isInit && !sidecar,
    },
    stopSignal: container.lifecycle?.stopSignal as NodeJS.Signals | undefined,
    postStart: hook(container, container.lifecycle?.postStart, podHost),
    preStop: hook(container, container.lifecycle?.preStop, podHost),
    startupProbe: probe(container, container.startupProbe, podHost),
    livenessProbe: probe(container, container.livenessProbe, podHost),
    readinessProbe: probe(container, container.readinessProbe, podHost),
  };
};
