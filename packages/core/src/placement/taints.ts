// Taints of nodes and the tolerations of Pods for them.
import type { Node } from "../schema/node.ts";
import type { PodSpec } from "../schema/pod.ts";

export type Taint = NonNullable<NonNullable<Node["spec"]>["taints"]>[number];
type Toleration = NonNullable<PodSpec["tolerations"]>[number];

/** What a Pod that does not tolerate it is kept from; PreferNoSchedule only asks. */
const repelling: ReadonlySet<string> = new Set(["NoSchedule", "NoExecute"]);

/** Without an effect a toleration covers all; without a key, with Exists, every taint. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = "", operator = "Equal", value = "", effect = "" } = toleration;
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  if (operator === "Exists") return true;
  return key !== "" && value === (taint.value ?? "");
}

/** The first taint that keeps the Pod away. */
export const untolerated = (
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
): Taint | undefined =>
  taints.find(
    (taint) =>
      repelling.has(taint.effect ?? "") && !tolerations.some((each) => tolerates(each, taint)),
  );

/**
 * How long a Pod that runs on the node may stay there, in seconds; `undefined`: for as long as it
 * runs. NoExecute taints drive out what does not tolerate them, or only for a while.
 */
export function secondsToStay(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
): number | undefined {
  let seconds: number | undefined;
  for (const taint of taints) {
    if (taint.effect !== "NoExecute") continue;
    const used = tolerations.filter((each) => tolerates(each, taint));
    if (used.length === 0) return 0;
    for (const { tolerationSeconds } of used) {
      if (tolerationSeconds === undefined) continue;
      seconds = Math.min(
        seconds ?? Number.POSITIVE_INFINITY,
        Math.max(0, Number(tolerationSeconds)),
      );
    }
  }
  return seconds;
}
