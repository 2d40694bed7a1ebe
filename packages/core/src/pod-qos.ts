// status.qosClass, from the requests and limits of all containers.
import { compareQuantities, parseQuantity } from "./apimachinery/quantity.ts";
import type { PodSpec } from "./schema/pod.ts";

const rated = ["cpu", "memory"] as const;

const isPositive = (text: string | undefined): boolean =>
  text !== undefined && parseQuantity(text).nano > 0n;

export function qosClass(spec: PodSpec): "Guaranteed" | "Burstable" | "BestEffort" {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  let any = false;
  let guaranteed = true;
  for (const { resources } of containers) {
    for (const name of rated) {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      if (isPositive(limit) || isPositive(request)) any = true;
      if (limit === undefined || request === undefined || !isPositive(limit)) guaranteed = false;
      else if (compareQuantities(parseQuantity(limit), parseQuantity(request)) !== 0) {
        guaranteed = false;
      }
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}
