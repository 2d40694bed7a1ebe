// What RunTask refuses beyond the model.
import type { RunTaskCommandInput, TaskDefinition } from "@aws-sdk/client-ecs";
import { AwsError, clientError, invalidParameter } from "../wire/aws-error.ts";
import { ephemeralFault } from "./definition-rules.ts";
import { cpuUnits, isFargateSize, memoryMiB } from "./fargate-sizes.ts";
import { tagFault } from "./tags.ts";

type Input = RunTaskCommandInput;

const MAX_OVERRIDES = 8192;
const MAX_TASKS = 10;
const MAX_SUBNETS = 16;
const MAX_SECURITY_GROUPS = 5;
const MAX_STRATEGY = 20;
const STARTED_BY = /^[A-Za-z0-9/_-]{1,128}$/;
const CLIENT_TOKEN = /^[\u0021-\u007E]{1,64}$/;
const PLATFORM_VERSION = /^(LATEST|1\.[34]\.0)$/;

/** Rules of the request alone. */
export const runTaskFault = (input: Input): AwsError | undefined => {
  const { count = 1, startedBy, clientToken, launchType, capacityProviderStrategy } = input;
  if (!Number.isInteger(count) || count < 1 || count > MAX_TASKS) {
    return invalidParameter(`count must be between 1 and ${MAX_TASKS}.`);
  }
  if (startedBy !== undefined && !STARTED_BY.test(startedBy)) {
    return invalidParameter("startedBy must match [A-Za-z0-9/_-]{1,128}.");
  }
  if (clientToken !== undefined && !CLIENT_TOKEN.test(clientToken)) {
    return invalidParameter("clientToken must have 1 to 64 ASCII characters of 33 to 126.");
  }
  if (input.referenceId !== undefined) {
    return invalidParameter("referenceId is reserved for use by AWS.");
  }
  if (launchType !== undefined && capacityProviderStrategy !== undefined) {
    const text = "Specifying both a launch type and capacity provider strategy is not supported.";
    return invalidParameter(`${text} Remove one and try again.`);
  }
  if (launchType === "MANAGED_INSTANCES") {
    return invalidParameter("MANAGED_INSTANCES is available through a capacity provider only.");
  }
  if (input.propagateTags === "SERVICE") {
    return invalidParameter("propagateTags SERVICE is for services only.");
  }
  const overrides = JSON.stringify(input.overrides ?? {});
  if (overrides.length > MAX_OVERRIDES) {
    return invalidParameter(`Container Overrides length must be at most ${MAX_OVERRIDES}`);
  }
  return tagFault(input.tags) ?? strategyFault(input) ?? networkFault(input);
};

const strategyFault = (input: Input): AwsError | undefined => {
  const strategy = input.capacityProviderStrategy;
  if (strategy === undefined) return undefined;
  if (strategy.length === 0 || strategy.length > MAX_STRATEGY) {
    return invalidParameter(`A capacity provider strategy has 1 to ${MAX_STRATEGY} entries.`);
  }
  for (const { weight = 0, base = 0 } of strategy) {
    if (weight < 0 || weight > 1000) return invalidParameter("weight must be between 0 and 1000.");
    if (base < 0 || base > 100_000) return invalidParameter("base must be between 0 and 100000.");
  }
  if (strategy.every(({ weight = 0 }) => weight === 0)) {
    const text = "At least one capacity provider must have a weight greater than zero.";
    return invalidParameter(text);
  }
  const kinds = new Set(
    strategy.map(({ capacityProvider = "" }) => isFargateProvider(capacityProvider)),
  );
  if (kinds.size > 1) {
    const text = "cannot contain a mix of Fargate and Auto Scaling group capacity providers.";
    return invalidParameter(`A capacity provider strategy ${text}`);
  }
  return undefined;
};

export const isFargateProvider = (name: string): boolean =>
  name === "FARGATE" || name === "FARGATE_SPOT";

const networkFault = (input: Input): AwsError | undefined => {
  const network = input.networkConfiguration?.awsvpcConfiguration;
  if (network === undefined) return undefined;
  const { subnets = [], securityGroups = [] } = network;
  if (subnets.length === 0) return invalidParameter("subnets can not be empty.");
  if (subnets.length > MAX_SUBNETS) {
    return invalidParameter(`subnets can have at most ${MAX_SUBNETS} items.`);
  }
  if (securityGroups.length > MAX_SECURITY_GROUPS) {
    return invalidParameter(`securityGroups can have at most ${MAX_SECURITY_GROUPS} items.`);
  }
  return undefined;
};

/** Rules of the request with its task definition and where it is to run. */
export const launchFault = (
  input: Input,
  definition: TaskDefinition,
  onFargate: boolean,
  with32Vcpu: boolean,
): AwsError | undefined => {
  if (definition.networkMode === "awsvpc" && input.networkConfiguration === undefined) {
    const text = "Network Configuration must be provided when networkMode 'awsvpc' is specified.";
    return invalidParameter(text);
  }
  if (definition.networkMode !== "awsvpc" && input.networkConfiguration !== undefined) {
    const text =
      "Network Configuration is not valid for the given networkMode of this task definition.";
    return invalidParameter(text);
  }
  const { platformVersion } = input;
  if (platformVersion !== undefined && !onFargate) {
    return invalidParameter("platformVersion is for Fargate only.");
  }
  if (platformVersion !== undefined && !PLATFORM_VERSION.test(platformVersion)) {
    return new AwsError("PlatformUnknownException", `Unknown platform version ${platformVersion}.`);
  }
  if (input.enableExecuteCommand === true && taskRoleOf(input, definition) === undefined) {
    const text = "The service couldn't be created because a valid taskRoleArn is not being used.";
    return invalidParameter(text);
  }
  return overrideFault(input, definition, onFargate, with32Vcpu);
};

export const taskRoleOf = (input: Input, definition: TaskDefinition): string | undefined =>
  input.overrides?.taskRoleArn ?? definition.taskRoleArn;

const overrideFault = (
  input: Input,
  definition: TaskDefinition,
  onFargate: boolean,
  with32Vcpu: boolean,
): AwsError | undefined => {
  const names = new Set((definition.containerDefinitions ?? []).map(({ name }) => name));
  for (const { name, environmentFiles } of input.overrides?.containerOverrides ?? []) {
    if (name === undefined) return invalidParameter("Container override without a name.");
    if (!names.has(name)) {
      const text = `Override for container named ${name} is not a container in the TaskDefinition.`;
      return invalidParameter(text);
    }
    if (environmentFiles !== undefined && environmentFiles.length > 10) {
      return invalidParameter("environmentFiles can have at most 10 items.");
    }
  }
  const cpu = input.overrides?.cpu ?? definition.cpu;
  const memory = input.overrides?.memory ?? definition.memory;
  if (onFargate) {
    if (definition.compatibilities?.includes("FARGATE") !== true) {
      const text = "Task definition does not support launch_type FARGATE.";
      return invalidParameter(text);
    }
    if (!isFargateSize(cpuUnits(cpu ?? ""), memoryMiB(memory ?? ""), with32Vcpu)) {
      return clientError("No Fargate configuration exists for given values.");
    }
  }
  return ephemeralFault(input.overrides?.ephemeralStorage?.sizeInGiB);
};
