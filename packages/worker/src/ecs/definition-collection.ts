// Removes task definitions that no Pod has used for long: an account holds only so many.
import { DeleteTaskDefinitionsCommand, DeregisterTaskDefinitionCommand } from "@aws-sdk/client-ecs";
import { suffix } from "@gantry/store";
import { FEW_TRIES, RefusedCall } from "./ecs-api.ts";
import type { EcsContext } from "./ecs-context.ts";
import type { KnownDefinition } from "./task-definitions.ts";

const DAY_MS = 86_400_000;

/**
 * Of one sweep. With its pauses that is less than one a five seconds: registering shares the bucket,
 * and goes first.
 */
const REMOVED_MAX = 10;
const PAUSE_MS = 5_000;

/** A definition that is used again while it goes is registered again: ECS says so to RunTask. */
export const collectDefinitions = async (context: EcsContext): Promise<number> => {
  const { store, settings, now, sleep, counters, definitions, log, closing } = context;
  const all = await store.redis.hgetall(store.key(suffix.ecsDefinitions));
  const oldestMs = now() - settings.sweep.definitionDays * DAY_MS;
  const unused = Object.entries(all)
    .map(([family, text]) => ({ family, ...(JSON.parse(text) as KnownDefinition) }))
    .filter(({ usedAtMs }) => usedAtMs < oldestMs)
    .slice(0, REMOVED_MAX);
  for (const [n, { family, arn }] of unused.entries()) {
    if (n > 0) await sleep(PAUSE_MS, closing);
    if (closing.aborted) return n;
    await definitions.forget(family);
    try {
      await remove(context, arn);
      counters.count("definitions_removed");
    } catch (error) {
      if (!(error instanceof RefusedCall)) throw error;
      log.warn({ err: error, arn }, "an unused task definition could not be removed");
    }
  }
  return unused.length;
};

const remove = async ({ api, clients: { ecs } }: EcsContext, arn: string): Promise<void> => {
  await api.patiently(
    "DeregisterTaskDefinition",
    "definitionModify",
    () => ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: arn })),
    FEW_TRIES,
  );
  await api.patiently(
    "DeleteTaskDefinitions",
    "definitionDelete",
    () => ecs.send(new DeleteTaskDefinitionsCommand({ taskDefinitions: [arn] })),
    FEW_TRIES,
  );
};
