// The command line's options for what a worker offers: resources, labels, taints, host paths.
import {
  isLabelValue,
  isQualifiedName,
  parseQuantity,
  QuantityError,
  type Taint,
} from "@gantry/core";
import { isAbsolute, normalize } from "node:path";
import { UsageError } from "../usage-error.ts";

export interface NodeOptions {
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: number;
  readonly label?: readonly string[];
  readonly taint?: readonly string[];
  readonly allowHostPath?: readonly string[];
  readonly allowPrivileged?: boolean;
  readonly dockerNetwork?: string;
}

/** As startWorker takes it. */
export interface WorkerNode {
  readonly capacity: { readonly cpu?: string; readonly memory?: string; readonly pods?: number };
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly allowedHostPaths: readonly string[];
  readonly allowPrivileged?: boolean;
  readonly dockerNetwork?: string;
}

const TAINT_EFFECTS: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** Throws UsageError for what is no quantity, label, taint or absolute path. */
export const workerNode = (options: NodeOptions): WorkerNode => ({
  capacity: {
    ...amount("cpu", options.cpu),
    ...amount("memory", options.memory),
    ...(options.pods !== undefined && { pods: options.pods }),
  },
  labels: Object.fromEntries((options.label ?? []).map(label)),
  taints: (options.taint ?? []).map(taint),
  allowedHostPaths: (options.allowHostPath ?? []).map(hostPath),
  ...(options.allowPrivileged === true && { allowPrivileged: true }),
  ...(options.dockerNetwork !== undefined && { dockerNetwork: options.dockerNetwork }),
});

const amount = (name: "cpu" | "memory", text: string | undefined): object => {
  if (text === undefined) return {};
  try {
    if (parseQuantity(text).nano > 0n) return { [name]: text };
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    throw new UsageError(`--${name} ${text}: ${error.message}`);
  }
  throw new UsageError(`--${name} ${text}: it must be more than 0`);
};

const check = (option: string, problems: readonly string[]): void => {
  if (problems.length > 0) throw new UsageError(`${option}: ${problems.join("; ")}`);
};

const keyAndValue = (option: string, text: string): [string, string] => {
  const at = text.indexOf("=");
  const [key, value] = at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
  check(`${option} ${text}`, [...isQualifiedName(key), ...isLabelValue(value)]);
  return [key, value];
};

const label = (text: string): [string, string] => keyAndValue("--label", text);

const taint = (text: string): Taint => {
  const at = text.lastIndexOf(":");
  const effect = text.slice(at + 1);
  if (at === -1 || !TAINT_EFFECTS.includes(effect)) {
    throw new UsageError(
      `--taint ${text}: write KEY=VALUE:EFFECT, with ${TAINT_EFFECTS.join(", ")}`,
    );
  }
  const [key, value] = keyAndValue("--taint", text.slice(0, at));
  return { key, ...(value !== "" && { value }), effect };
};

const hostPath = (path: string): string => {
  if (!isAbsolute(path)) throw new UsageError(`--allow-host-path ${path}: it must be absolute`);
  return normalize(path);
};
