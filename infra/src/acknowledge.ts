// Findings of the security rules that stand, each with its reason.
import { Stack, Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** `rule` may name one finding of several: `AwsSolutions-IAM5[Resource::*]`. */
export const acknowledge = (construct: IConstruct, rule: string, reason: string): void => {
  Validations.of(construct).acknowledge({ id: rule, reason });
};

/** How the rules write a resource whose parts are known only at deployment: `<LogicalId.Arn>:*`. */
const flattened = (value: unknown): string => {
  if (typeof value === "string") return value;
  const [[kind, argument] = ["", undefined]] = Object.entries(value as Record<string, unknown>);
  if (kind === "Ref") return `<${String(argument)}>`;
  if (kind === "Fn::GetAtt") return `<${(argument as string[]).join(".")}>`;
  if (kind === "Fn::Join") {
    const [separator, parts] = argument as [string, unknown[]];
    return parts.map(flattened).join(separator);
  }
  throw new Error(`a policy's resource has an unexpected form: ${kind}`);
};

/** A resource with a `*` of one policy, and why it has to have it. */
export const acknowledgeWildcard = (policy: IConstruct, resource: string, reason: string): void => {
  const text = flattened(Stack.of(policy).resolve(resource));
  acknowledge(policy, `AwsSolutions-IAM5[Resource::${text}]`, reason);
};
