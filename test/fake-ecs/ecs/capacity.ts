// Where tasks run: Fargate and Fargate Spot within their vCPU quotas, and EC2 instances with their
// room.
import type { Failure, RunTaskCommandInput, TaskDefinition } from "@aws-sdk/client-ecs";
import type { FakeInstance, Quotas } from "../settings.ts";
import { clientError, invalidParameter } from "../wire/aws-error.ts";
import type { Arns } from "./arns.ts";
import { cpuUnits, memoryMiB } from "./fargate-sizes.ts";
import { isFargateProvider } from "./run-task-rules.ts";

export type Lane = "fargate" | "spot" | "ec2";

/** Where a task is to run, and what it takes there. */
export interface Place {
  readonly lane: Lane;
  readonly capacityProvider: string | undefined;
  readonly cpu: number;
  readonly memory: number;
}

interface Instance {
  readonly arn: string;
  readonly cluster: string;
  readonly provider: string | undefined;
  cpu: number;
  memory: number;
}

export type Admission =
  | { readonly outcome: "admitted"; readonly instance: string | undefined }
  /** Managed scaling will make room: the task waits in PROVISIONING. */
  | { readonly outcome: "waits" }
  | { readonly outcome: "failed"; readonly failure: Failure };

export const QUOTA_REASON =
  "You've reached the limit on the number of tasks you can run concurrently";
export const CAPACITY_REASON =
  "Capacity is unavailable at this time. Please try again later or in a different availability zone";

const UNITS_PER_VCPU = 1024;

export class Capacity {
  readonly #arns: Arns;
  readonly #quotas: Quotas;
  readonly #instances: Instance[];
  readonly #used = { fargate: 0, spot: 0 };
  readonly #waiting = new Map<string, number>();

  constructor(
    arns: Arns,
    quotas: Quotas,
    clusters: readonly string[],
    own: readonly FakeInstance[],
  ) {
    this.#arns = arns;
    this.#quotas = quotas;
    this.#instances = clusters.flatMap((cluster) =>
      own.map((instance) => ({
        arn: this.#arns.instance(cluster),
        cluster,
        provider: instance.capacityProvider,
        cpu: instance.cpu,
        memory: instance.memoryMiB,
      })),
    );
  }

  /** All that a strategy of this cluster may name. */
  providers(cluster: string): string[] {
    const own = this.#instances
      .filter((instance) => instance.cluster === cluster && instance.provider !== undefined)
      .map(({ provider }) => provider ?? "");
    return [...new Set(["FARGATE", "FARGATE_SPOT", ...own])];
  }

  instanceCount(cluster: string): number {
    return this.#instances.filter((instance) => instance.cluster === cluster).length;
  }

  placeOf(cluster: string, input: RunTaskCommandInput, definition: TaskDefinition): Place {
    const containers = definition.containerDefinitions ?? [];
    const sum = (of: "cpu" | "memory"): number =>
      containers.reduce((total, container) => total + (container[of] ?? 0), 0);
    const taskCpu = input.overrides?.cpu ?? definition.cpu;
    const taskMemory = input.overrides?.memory ?? definition.memory;
    const size = {
      cpu: taskCpu === undefined ? sum("cpu") : cpuUnits(taskCpu),
      memory: taskMemory === undefined ? sum("memory") : memoryMiB(taskMemory),
    };
    const strategy = input.capacityProviderStrategy;
    if (strategy === undefined) {
      const lane: Lane = input.launchType === "FARGATE" ? "fargate" : "ec2";
      if (lane === "ec2" && this.instanceCount(cluster) === 0) {
        throw invalidParameter("No Container Instances were found in your cluster.");
      }
      return { lane, capacityProvider: undefined, ...size };
    }
    for (const { capacityProvider = "" } of strategy) {
      if (!this.providers(cluster).includes(capacityProvider)) {
        const text = `The specified capacity provider '${capacityProvider}' was not found.`;
        throw invalidParameter(text);
      }
    }
    // The heaviest stands for the mix: callers here send one provider, and chance would hide
    // mistakes.
    const [chosen] = strategy.toSorted((a, b) => (b.weight ?? 0) - (a.weight ?? 0));
    const name = chosen?.capacityProvider ?? "";
    const lane: Lane = isFargateProvider(name) ? (name === "FARGATE" ? "fargate" : "spot") : "ec2";
    return { lane, capacityProvider: name, ...size };
  }

  admit(cluster: string, place: Place): Admission {
    const { lane, cpu, memory, capacityProvider } = place;
    if (lane !== "ec2") {
      const quota = lane === "fargate" ? this.#quotas.fargateVcpu : this.#quotas.fargateSpotVcpu;
      if (this.#used[lane] + cpu / UNITS_PER_VCPU > quota) {
        return { outcome: "failed", failure: { reason: QUOTA_REASON } };
      }
      this.#used[lane] += cpu / UNITS_PER_VCPU;
      return { outcome: "admitted", instance: undefined };
    }
    const candidates = this.#instances.filter(
      (instance) => instance.cluster === cluster && instance.provider === capacityProvider,
    );
    const free = candidates.find((one) => one.cpu >= cpu && one.memory >= memory);
    if (free !== undefined) {
      free.cpu -= cpu;
      free.memory -= memory;
      return { outcome: "admitted", instance: free.arn };
    }
    if (capacityProvider !== undefined) {
      const waiting = this.#waiting.get(cluster) ?? 0;
      if (waiting >= this.#quotas.provisioningTasks) {
        throw clientError(
          "The limit of tasks in the PROVISIONING state per cluster has been reached.",
        );
      }
      this.#waiting.set(cluster, waiting + 1);
      return { outcome: "waits" };
    }
    const [first] = candidates;
    const reason = (first?.cpu ?? 0) < cpu ? "RESOURCE:CPU" : "RESOURCE:MEMORY";
    return { outcome: "failed", failure: { arn: first?.arn, reason } };
  }

  /** A task that waits tries again; undefined while there is still no room. */
  tryWaiting(cluster: string, place: Place): string | undefined {
    const free = this.#instances.find(
      (one) =>
        one.cluster === cluster &&
        one.provider === place.capacityProvider &&
        one.cpu >= place.cpu &&
        one.memory >= place.memory,
    );
    if (free === undefined) return undefined;
    free.cpu -= place.cpu;
    free.memory -= place.memory;
    this.leaveWaiting(cluster);
    return free.arn;
  }

  leaveWaiting(cluster: string): void {
    this.#waiting.set(cluster, Math.max(0, (this.#waiting.get(cluster) ?? 0) - 1));
  }

  release(place: Place, instanceArn: string | undefined): void {
    if (place.lane !== "ec2") {
      this.#used[place.lane] -= place.cpu / UNITS_PER_VCPU;
      return;
    }
    const instance = this.#instances.find(({ arn }) => arn === instanceArn);
    if (instance === undefined) return;
    instance.cpu += place.cpu;
    instance.memory += place.memory;
  }
}
