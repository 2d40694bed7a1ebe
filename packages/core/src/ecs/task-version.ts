// Which of two sightings of a task is the later one: events repeat, and come in any order.
import type { EcsTask } from "./task.ts";

const order = [
  "PROVISIONING",
  "PENDING",
  "ACTIVATING",
  "RUNNING",
  "DEACTIVATING",
  "STOPPING",
  "DEPROVISIONING",
  "STOPPED",
  "DELETED",
];

const rank = ({ lastStatus }: EcsTask): number => order.indexOf(lastStatus);

/** ECS has nothing more to say of the task. */
export const hasStopped = ({ lastStatus }: EcsTask): boolean =>
  lastStatus === "STOPPED" || lastStatus === "DELETED";

/**
 * Whether `next` is to take the place of `known`. Equal versions are the same sighting; a task that
 * has stopped stays so. Where no version was told, the status decides.
 */
export function isNewer(next: EcsTask, known: EcsTask | undefined): boolean {
  if (known === undefined) return true;
  if (hasStopped(known)) return false;
  if (next.version > 0 && known.version > 0) return next.version > known.version;
  return rank(next) > rank(known);
}
