// In which order a task's containers start, and whose end is the end of the task.
import type { Container } from "../schema/container.ts";
import type { PodSpec } from "../schema/pod.ts";
import { healthCheck } from "./health-check.ts";
import type { ContainerDependency } from "./run-task-input.ts";

/** The container that ends once all application containers have. */
export const WAITER_CONTAINER = "gantry-waiter";

export interface OrderedContainer {
  readonly container: Container;
  readonly essential: boolean;
  readonly dependsOn: readonly ContainerDependency[];
}

export const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === "Always";

/** What a container waits for that comes after this init container. */
const afterInit = (init: Container): ContainerDependency => {
  const containerName = init.name ?? "";
  if (!isSidecar(init)) return { containerName, condition: "SUCCESS" };
  return { containerName, condition: healthCheck(init) === undefined ? "START" : "HEALTHY" };
};

/**
 * Init containers one after the other, then the application containers together. ECS stops a task
 * as soon as one essential container ends: so only the single application container is essential.
 * With several, none is, and the waiter goes by `waiterDependencies`.
 */
export function containerOrder(spec: PodSpec): OrderedContainer[] {
  const { containers = [], initContainers = [] } = spec;
  const inits = initContainers.map((container, n) => {
    const before = initContainers[n - 1];
    return {
      container,
      essential: false,
      dependsOn: before === undefined ? [] : [afterInit(before)],
    };
  });
  const last = initContainers.at(-1);
  const dependsOn = last === undefined ? [] : [afterInit(last)];
  const essential = containers.length === 1;
  return [...inits, ...containers.map((container) => ({ container, essential, dependsOn }))];
}

export const waiterDependencies = ({ containers = [] }: PodSpec): ContainerDependency[] =>
  containers.map(({ name = "" }) => ({ containerName: name, condition: "COMPLETE" }));
