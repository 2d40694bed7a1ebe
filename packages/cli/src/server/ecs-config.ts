// Reads the file of `--ecs-config`: JSON or YAML, every problem named at once.
import { type EcsSettings, EcsSettingsError, parseEcsSettings } from "@gantry/core";
import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { UsageError } from "../usage-error.ts";

export const ECS_CONFIG_ENV = "GANTRY_ECS_CONFIG";

export interface EcsOptions {
  readonly ecsConfig?: string;
}

/**
 * The settings as parts take them; nothing where no file is given. Throws UsageError for a file that
 * can't be read or is wrong, and where the ecs runtime is to be offered without one.
 */
export const ecsConfig = (
  { ecsConfig: file }: EcsOptions,
  runtimes: readonly string[],
): { readonly ecs?: EcsSettings } => {
  if (file !== undefined) return { ecs: readEcsConfig(file) };
  if (!runtimes.includes("ecs")) return {};
  throw new UsageError(
    `the runtime ecs needs to know where its tasks run: --ecs-config FILE or ${ECS_CONFIG_ENV} ` +
      "(docs/ecs.md shows one)",
  );
};

const readEcsConfig = (file: string): EcsSettings => {
  const document = parseDocument(textOf(file));
  const [error] = document.errors;
  if (error !== undefined) {
    throw new UsageError(`--ecs-config ${file}: neither JSON nor YAML: ${error.message.trim()}`);
  }
  try {
    return parseEcsSettings(document.toJS() ?? {});
  } catch (cause) {
    if (!(cause instanceof EcsSettingsError)) throw cause;
    const problems = cause.problems.map((problem) => `\n  ${problem}`).join("");
    throw new UsageError(`--ecs-config ${file} is not valid:${problems}`);
  }
};

const textOf = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(`--ecs-config ${file}: ${code === "ENOENT" ? "no such file" : message}`);
  }
};
