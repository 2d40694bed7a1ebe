// From a Pod to its task: the definition that Pods share, and the overrides that are its own.
import { byteLength } from "../apimachinery/go-text.ts";
import type { Container } from "../schema/container.ts";
import { canonicalJson } from "./canonical-json.ts";
import {
  containerDefinition,
  containerResources,
  logConfiguration,
} from "./container-definition.ts";
import {
  containerOrder,
  type OrderedContainer,
  WAITER_CONTAINER,
  waiterDependencies,
} from "./container-order.ts";
import type { EcsPod, EcsRejection } from "./ecs-pod.ts";
import type { TaskSize } from "./fargate-sizes.ts";
import { laneKind, type LaneSettings } from "./lane-settings.ts";
import type {
  ContainerDefinition,
  ContainerOverride,
  KeyValuePair,
  TaskDefinitionContent,
  TaskOverrides,
} from "./run-task-input.ts";
import type { EcsSettings } from "./settings.ts";
import { OWNER_ENV } from "./task.ts";
import { taskEnvironment } from "./task-environment.ts";
import { taskRole } from "./task-role.ts";
import { storageGiB, taskSize } from "./task-sizing.ts";
import { definitionVolumes } from "./task-volumes.ts";
import { expandVariables, type Variable } from "./variable-expansion.ts";

/** ECS's limit of the JSON of a task's overrides. */
export const MAX_OVERRIDES_BYTES = 8192;
/** ECS's limit of the JSON of a task definition. */
export const MAX_DEFINITION_BYTES = 65_536;

export interface TaskPlan {
  readonly ok: true;
  /** Without per-Pod values: Pods of one template share it. */
  readonly definition: TaskDefinitionContent;
  readonly overrides: TaskOverrides;
  readonly size: TaskSize;
  readonly overridesBytes: number;
}

export interface TaskRefusal {
  readonly ok: false;
  readonly rejection: EcsRejection;
}

/** Where values go that are the same for all Pods of a template, from the usual place on. */
type Spill = "overrides" | "environment" | "environment and command";
const spills: readonly Spill[] = ["overrides", "environment", "environment and command"];

interface ContainerPlan {
  readonly ordered: OrderedContainer;
  readonly isInit: boolean;
  /** Path below the spec. */
  readonly path: string;
  readonly entryPoint: string | undefined;
  readonly words: readonly Variable[];
  readonly variables: ReadonlyMap<string, Variable>;
  readonly secrets: ReadonlyMap<string, string>;
  readonly owner: readonly KeyValuePair[];
}

/** The first word replaces the image's entrypoint; the others can be overridden by each task. */
function commandWords(
  { command = [], args = [] }: Container,
  variables: ReadonlyMap<string, Variable>,
): Pick<ContainerPlan, "entryPoint" | "words"> {
  const [first, ...rest] = command;
  const words = [...rest, ...args].map((text) => expandVariables(text, variables));
  const entryPoint = first === undefined ? undefined : expandVariables(first, variables).value;
  return { entryPoint, words };
}

const ownerVariables = (pod: EcsPod, attempt: number): KeyValuePair[] => [
  { name: OWNER_ENV.podUid, value: pod.uid },
  { name: OWNER_ENV.attempt, value: String(attempt) },
  { name: OWNER_ENV.pod, value: `${pod.namespace}/${pod.name}` },
  ...(pod.job === undefined ? [] : [{ name: OWNER_ENV.job, value: `${pod.namespace}/${pod.job}` }]),
];

function containerPlans(
  pod: EcsPod,
  size: TaskSize,
  attempt: number,
  settings: EcsSettings,
): ContainerPlan[] {
  const inits = (pod.spec.initContainers ?? []).length;
  return containerOrder(pod.spec).map((ordered, n) => {
    const { variables, secrets } = taskEnvironment(pod, ordered.container, size, settings);
    const isInit = n < inits;
    return {
      ordered,
      isInit,
      path: isInit ? `initContainers[${n}]` : `containers[${n - inits}]`,
      ...commandWords(ordered.container, variables),
      variables,
      secrets,
      owner: n === inits ? ownerVariables(pod, attempt) : [],
    };
  });
}

const inDefinition = (spill: Spill, variable: Variable): boolean =>
  spill !== "overrides" && !variable.perPod;

const wordsInDefinition = (spill: Spill, words: readonly Variable[]): boolean =>
  spill === "environment and command" && words.every(({ perPod }) => !perPod);

const environment = (
  plan: ContainerPlan,
  wanted: (variable: Variable) => boolean,
): KeyValuePair[] =>
  [...plan.variables].flatMap(([name, variable]) =>
    wanted(variable) ? [{ name, value: variable.value }] : [],
  );

function override(plan: ContainerPlan, spill: Spill): ContainerOverride {
  const { container } = plan.ordered;
  const own = environment(plan, (variable) => !inDefinition(spill, variable));
  const words = wordsInDefinition(spill, plan.words) ? [] : plan.words;
  const all = [...own, ...plan.owner];
  return {
    name: container.name ?? "",
    ...(words.length > 0 && { command: words.map(({ value }) => value) }),
    ...(all.length > 0 && { environment: all }),
    ...containerResources(container, plan.isInit),
  };
}

const waiter = (pod: EcsPod, settings: EcsSettings): ContainerDefinition[] => {
  if ((pod.spec.containers ?? []).length < 2 || settings.waiter === undefined) return [];
  const { image, entryPoint } = settings.waiter;
  return [
    {
      name: WAITER_CONTAINER,
      image,
      essential: true,
      entryPoint: [...entryPoint],
      dependsOn: waiterDependencies(pod.spec),
      logConfiguration: logConfiguration(settings),
    },
  ];
};

/** The sizes that Fargate wants a definition to have; each task has its own by override. */
const SMALLEST = { cpu: "256", memory: "512" };

function definition(
  request: TaskRequest,
  size: TaskSize,
  plans: readonly ContainerPlan[],
  spill: Spill,
): TaskDefinitionContent {
  const { pod, lane, settings } = request;
  const fargate = laneKind(lane) === "fargate";
  const volumes = definitionVolumes(pod.spec, pod.namespace, settings);
  const containers = plans.map((plan): ContainerDefinition => {
    const { entryPoint, secrets, words } = plan;
    const shared = environment(plan, (variable) => inDefinition(spill, variable));
    const command = wordsInDefinition(spill, words) ? words.map(({ value }) => value) : [];
    return {
      ...containerDefinition(plan.ordered, { pod, lane, settings, size, entryPoint, secrets }),
      ...(command.length > 0 && { command }),
      ...(shared.length > 0 && { environment: shared }),
    };
  });
  return {
    requiresCompatibilities: [fargate ? "FARGATE" : "EC2"],
    networkMode: "awsvpc",
    ...SMALLEST,
    executionRoleArn: settings.executionRoleArn,
    runtimePlatform: {
      cpuArchitecture: lane.arch === "arm64" ? "ARM64" : "X86_64",
      operatingSystemFamily: "LINUX",
    },
    ...(pod.spec.shareProcessNamespace === true && { pidMode: "task" as const }),
    containerDefinitions: [...containers, ...waiter(pod, settings)],
    ...(volumes.length > 0 && { volumes }),
  };
}

interface Field {
  readonly path: string;
  readonly bytes: number;
}

/** The biggest of what is in the overrides, for whoever has to make them smaller. */
function biggest(plans: readonly ContainerPlan[], spill: Spill): Field {
  const fields = plans.flatMap(({ ordered, path, variables, words }): Field[] => {
    const named = (name: string): string => {
      const n = (ordered.container.env ?? []).findIndex((one) => one.name === name);
      return n < 0 ? `${path}.envFrom` : `${path}.env[${n}].value`;
    };
    const env = [...variables]
      .filter(([, variable]) => !inDefinition(spill, variable))
      .map(([name, { value }]) => ({ path: named(name), bytes: byteLength(value) }));
    const text = JSON.stringify(words.map(({ value }) => value));
    const given = (ordered.container.args ?? []).length > 0 ? "args" : "command";
    return [...env, { path: `${path}.${given}`, bytes: words.length > 0 ? byteLength(text) : 0 }];
  });
  return fields.reduce((a, b) => (b.bytes > a.bytes ? b : a), { path: "containers", bytes: 0 });
}

const tooLarge = (path: string, message: string): TaskRefusal => ({
  ok: false,
  rejection: { path, message },
});

export interface TaskRequest {
  readonly pod: EcsPod;
  readonly lane: LaneSettings;
  readonly settings: EcsSettings;
  readonly attempt: number;
}

const taskOverrides = (
  { pod, settings, lane }: TaskRequest,
  size: TaskSize,
  containerOverrides: ContainerOverride[],
): TaskOverrides => {
  const taskRoleArn = taskRole(pod, settings);
  const sizeInGiB = laneKind(lane) === "fargate" ? storageGiB(pod.spec) : undefined;
  return {
    containerOverrides,
    cpu: String(size.cpuUnits),
    memory: String(size.memoryMiB),
    ...(taskRoleArn !== undefined && { taskRoleArn }),
    ...(sizeInGiB !== undefined && { ephemeralStorage: { sizeInGiB } }),
  };
};

/**
 * Expects an admitted Pod. As much as possible is in the overrides, so that many Pods share a
 * definition; what is the same for all Pods of a template moves to the definition when the
 * overrides get too large.
 */
export function planTask(request: TaskRequest): TaskPlan | TaskRefusal {
  const { pod, lane, settings, attempt } = request;
  const size = taskSize(pod.spec, lane, settings.prices);
  if (size === undefined) {
    return tooLarge("containers", "no Fargate size is as large as what its containers ask for");
  }
  const plans = containerPlans(pod, size, attempt, settings);
  let overridesBytes = 0;
  for (const spill of spills) {
    const containerOverrides = plans.map((plan) => override(plan, spill));
    const overrides = taskOverrides(request, size, containerOverrides);
    overridesBytes = byteLength(JSON.stringify(overrides));
    if (overridesBytes > MAX_OVERRIDES_BYTES) continue;
    const content = definition(request, size, plans, spill);
    const bytes = byteLength(canonicalJson(content));
    if (bytes <= MAX_DEFINITION_BYTES) {
      return { ok: true, definition: content, overrides, size, overridesBytes };
    }
    const field = biggest(plans, "overrides");
    const message = `its task definition has ${bytes} bytes, and ECS takes ${MAX_DEFINITION_BYTES}; the biggest field has ${field.bytes}`;
    return tooLarge(field.path, message);
  }
  const field = biggest(plans, "environment and command");
  const message = `its overrides have ${overridesBytes} bytes, and ECS takes ${MAX_OVERRIDES_BYTES}; the biggest field has ${field.bytes}`;
  return tooLarge(field.path, message);
}

/** What a definition's name is made from. */
export const definitionText = (content: TaskDefinitionContent): string => canonicalJson(content);

/** Hexadecimal digits of the SHA-256 of `definitionText` that a family's name has. */
const FAMILY_DIGITS = 40;
export const FAMILY_PREFIX = "gantry-";

/** One family for one content: its only revision never changes. */
export const familyName = (sha256Hex: string): string =>
  `${FAMILY_PREFIX}${sha256Hex.slice(0, FAMILY_DIGITS)}`;
