// What of the ecs runtime's settings everyone may read, for admission before a worker is asked: the
// whole of them, less the names of things in AWS, save those that a Pod has to name itself.
import { runtimeSettingsAnnotation } from "../admission/node-annotations.ts";
import type { Node } from "../schema/node.ts";
import { type EcsSettings, parseEcsSettings } from "./settings.ts";

/** Stands for an ARN; long as one, since sizes are measured. */
const HIDDEN_ARN = `arn:aws:hidden:::${"x".repeat(60)}`;

const hidden = (arns: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.keys(arns).map((key) => [key, HIDDEN_ARN]));

type Efs = EcsSettings["efs"];

const hiddenEfs = ({ claims, servers }: Efs): Efs => {
  const hide = (volumes: Efs["claims"]): Efs["claims"] =>
    Object.fromEntries(
      Object.entries(volumes).map(([key, volume]) => [key, { ...volume, fileSystemId: "fs-0" }]),
    );
  return { claims: hide(claims), servers: hide(servers) };
};

/** Text of an annotation. */
export function publishEcsSettings(settings: EcsSettings): string {
  const { network, watch, defaultTaskRoleArn } = settings;
  const { queueUrl: _queueUrl, ...polling } = watch;
  const shown: EcsSettings = {
    ...settings,
    engineId: "hidden",
    logs: { ...settings.logs, group: "hidden" },
    lanes: settings.lanes.map((lane) => ({ ...lane, cluster: "hidden" })),
    network: {
      ...network,
      subnets: network.subnets.map(({ zone }) => ({ id: "subnet-0", zone })),
      securityGroups: [],
    },
    executionRoleArn: HIDDEN_ARN,
    taskRoles: hidden(settings.taskRoles),
    defaultTaskRoleArn: defaultTaskRoleArn === undefined ? undefined : HIDDEN_ARN,
    secrets: hidden(settings.secrets),
    imagePullSecrets: hidden(settings.imagePullSecrets),
    efs: hiddenEfs(settings.efs),
    tags: {},
    watch: polling,
  };
  return JSON.stringify(shown);
}

/** `undefined` for what this version can't read: of a newer worker, or written by hand. */
export function readPublishedSettings(text: string): EcsSettings | undefined {
  try {
    return parseEcsSettings(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** What the first of these Nodes publishes that publishes any. */
export function ecsSettingsOfNodes(nodes: readonly Node[]): EcsSettings | undefined {
  for (const { metadata } of nodes) {
    const text = metadata?.annotations?.[runtimeSettingsAnnotation("ecs")];
    const settings = text === undefined ? undefined : readPublishedSettings(text);
    if (settings !== undefined) return settings;
  }
  return undefined;
}
