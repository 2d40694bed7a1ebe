// What each step of a resync works with.
import type { Queues } from "@gantry/store";
import type { ControllerContext } from "../controller-context.ts";
import type { Findings } from "./findings.ts";

export interface ResyncPass {
  readonly context: ControllerContext;
  readonly queues: Queues;
  readonly findings: Findings;
  /** Looks also at what is seldom wrong and costs more. */
  readonly thorough: boolean;
  /** Between pages: leaves most of the time to others. Throws `ResyncClosedError` at the end. */
  pace(): Promise<void>;
}

/** Records of one page. */
export const PAGE = 500;

export class ResyncClosedError extends Error {
  override name = "ResyncClosedError";
}

/** Pages of any list. */
export const slices = <T>(items: readonly T[], size = PAGE): T[][] => {
  const found: T[][] = [];
  for (let n = 0; n < items.length; n += size) found.push(items.slice(n, n + size));
  return found;
};
