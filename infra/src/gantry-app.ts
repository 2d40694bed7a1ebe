// The CDK app: one stack, checked by the AWS Solutions rules whenever it is synthesized.
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import type { Config } from "./config.ts";
import { checkEcsSettings } from "./ecs-settings.ts";
import { GantryStack } from "./gantry-stack.ts";

/** Throws ConfigError for `pods.settings` that the runtime would refuse. */
export const gantryApp = (
  config: Config,
  props: ConstructorParameters<typeof App>[0] = {},
): { app: App; stack: GantryStack } => {
  checkEcsSettings(config);
  const app = new App(props);
  const stack = new GantryStack(app, "Gantry", {
    stackName: config.name,
    env: { account: config.account, region: config.region },
    description: "Gantry: Kubernetes Jobs on ECS without Kubernetes",
    terminationProtection: true,
    config,
  });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { app, stack };
};
