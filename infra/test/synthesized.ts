// The app as `cdk synth` makes it: template, and what the validators found.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Stack, Validations } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import type { IConstruct } from "constructs";
import { parseConfig } from "../src/config.ts";
import { gantryApp } from "../src/gantry-app.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

export const example = readJson(here("../gantry.example.json")) as Record<string, object>;

interface Report {
  readonly pluginReports: readonly {
    readonly violations: readonly { readonly ruleName: string; readonly description: string }[];
  }[];
}

interface Acknowledgment {
  readonly id: string;
  readonly reason: string;
}

export interface Synthesized {
  readonly template: Template;
  /** Below an error: those make a synthesis fail. */
  readonly warnings: readonly string[];
  readonly acknowledged: readonly Acknowledgment[];
}

/** What the validators must see in a stack that is not as it should be. */
export type Damage = (stack: Stack) => void;

/**
 * `changes` replace fields of the example's top level. Throws what `cdk synth` prints when a
 * validator finds an error.
 */
export const synthesize = (changes: Record<string, unknown> = {}, damage?: Damage): Synthesized => {
  const { context } = readJson(here("../cdk.json")) as { context: Record<string, unknown> };
  const outdir = mkdtempSync(join(tmpdir(), "gantry-synth-"));
  try {
    const config = parseConfig({ ...example, ...changes }, "test");
    const { app, stack } = gantryApp(config, { context, outdir, analyticsReporting: false });
    damage?.(stack);
    app.synth();
    const { pluginReports } = readJson(join(outdir, "validation-report.json")) as Report;
    return {
      template: Template.fromStack(stack),
      warnings: pluginReports.flatMap(({ violations }) =>
        violations.map(({ ruleName, description }) => `${ruleName}: ${description}`),
      ),
      acknowledged: app.node.findAll().flatMap(acknowledgments),
    };
  } finally {
    rmSync(outdir, { recursive: true });
  }
};

const acknowledgments = ({ node }: IConstruct): Acknowledgment[] =>
  node.metadata
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) =>
      Object.entries(data as Record<string, string>).map(([id, reason]) => ({ id, reason })),
    );
