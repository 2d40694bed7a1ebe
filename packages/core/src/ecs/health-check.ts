// A container's probe as ECS's health check: there is one, and it runs a command.
import type { Container, Probe } from "../schema/container.ts";
import type { PodSpec } from "../schema/pod.ts";
import type { HealthCheck } from "./run-task-input.ts";
import type { EcsTask } from "./task.ts";

/** ECS's limits, in seconds where they are times. */
const limits = {
  interval: { min: 5, max: 300 },
  timeout: { min: 2, max: 60 },
  retries: { min: 1, max: 10 },
  startPeriod: { min: 0, max: 300 },
} as const;

const within = ({ min, max }: { min: number; max: number }, value: number): number =>
  Math.min(max, Math.max(min, value));

const probeNames = ["livenessProbe", "readinessProbe", "startupProbe"] as const;
export type ProbeName = (typeof probeNames)[number];

export const probesOf = (container: Container): { name: ProbeName; probe: Probe }[] =>
  probeNames.flatMap((name) => {
    const probe = container[name];
    return probe === undefined ? [] : [{ name, probe }];
  });

/** What the container shows as healthy. */
export function healthCheck(container: Container): HealthCheck | undefined {
  const [first] = probesOf(container);
  const command = first?.probe.exec?.command;
  if (first === undefined || command === undefined) return undefined;
  const { probe } = first;
  const startPeriod = within(limits.startPeriod, probe.initialDelaySeconds ?? 0);
  return {
    command: ["CMD", ...command],
    interval: within(limits.interval, probe.periodSeconds ?? 10),
    timeout: within(limits.timeout, probe.timeoutSeconds ?? 1),
    retries: within(limits.retries, probe.failureThreshold ?? 3),
    ...(startPeriod > 0 && { startPeriod }),
  };
}

/**
 * Whether the task is to be stopped for its health: ECS goes on checking what was only to tell that
 * a container has started, or is ready, and a sidecar can't be started again by itself.
 */
export const failsLiveness = (task: EcsTask, { containers = [] }: PodSpec): boolean =>
  containers.some(
    ({ name, livenessProbe }) =>
      livenessProbe !== undefined &&
      task.containers.some((one) => one.name === name && one.healthStatus === "UNHEALTHY"),
  );
