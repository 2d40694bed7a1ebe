// What keeps the ecs runtime from launching tasks.
import { ecsRegistration, readShutEcsLanes, type Store } from "@gantry/store";
import { humanDuration } from "../duration.ts";
import { type Check, warn } from "./check.ts";

/** A line for each lane that is shut; none where all are open, or there is no such runtime. */
export async function ecsChecks(store: Store): Promise<Check[]> {
  const shut = await readShutEcsLanes(store);
  return [...shut].map(([lane, { circuit, message, sinceMs }]) => {
    const name = lane === ecsRegistration ? `ecs ${lane}` : `ecs lane ${lane}`;
    const found = `shut for ${humanDuration(Date.now() - sinceMs)}: ${message}`;
    const advice = circuit
      ? "nothing can be launched until this is mended (docs/ecs.md)"
      : "it opens by itself when there is room; docs/ecs.md tells how to get more";
    return warn(name, found, advice);
  });
}
