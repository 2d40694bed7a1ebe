// Faults of the store say nothing of a Pod or its task: they are waited out.
import type { EcsContext } from "./ecs-context.ts";
import { FencedError } from "./task-ledger.ts";

const RETRY_MS = 1_000;

/** Mistakes of our own would come again for ever; a Pod that is another's stays so. */
const isLasting = (error: unknown): boolean =>
  error instanceof TypeError ||
  error instanceof RangeError ||
  error instanceof SyntaxError ||
  error instanceof FencedError;

/** A pause before the next try. Throws what no pause mends, and when the runtime closes. */
export const waitOut = async (
  { log, sleep, closing }: Pick<EcsContext, "closing" | "log" | "sleep">,
  error: unknown,
): Promise<void> => {
  if (closing.aborted || isLasting(error)) throw error;
  log.warn({ err: error }, "the store could not be asked of a task; trying again");
  await sleep(RETRY_MS, closing);
};

/** Asks until it is answered. Throws as `waitOut` does. */
export const untilAnswered = async <T>(
  context: Pick<EcsContext, "closing" | "log" | "sleep">,
  ask: () => Promise<T>,
): Promise<T> => {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      await waitOut(context, error);
    }
  }
};

/** Tells it what would be good to know; does without where that fails. */
export const ifPossible = async (
  { log }: Pick<EcsContext, "log">,
  tell: () => Promise<unknown>,
): Promise<void> => {
  try {
    await tell();
  } catch (error) {
    log.warn({ err: error }, "the store was not told of a launch");
  }
};
