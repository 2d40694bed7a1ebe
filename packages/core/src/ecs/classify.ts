// One answer for everything that ECS says of a launch or an end: what it is, and what comes next.
import type { Classification, Signal } from "./classification.ts";
import { classifyError, classifyFailure } from "./classify-refusal.ts";
import { classifyStop } from "./classify-stop.ts";

export function classify(signal: Signal): Classification {
  if (signal.kind === "error") return classifyError(signal);
  return signal.kind === "failure" ? classifyFailure(signal) : classifyStop(signal.task);
}
