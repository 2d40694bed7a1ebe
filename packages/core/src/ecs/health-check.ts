// A container's probe as ECS's health check: there is one, and it runs a command.
import type { Container, Probe } from "../schema/container.ts";
import type { HealthCheck } from "./run-task-input.ts";

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

/** What the container shows as healthy; a liveness probe's failure also ends the task. */
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
