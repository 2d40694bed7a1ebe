// Waiting that a stop cuts short, and repeating what may succeed later.
import type { BackoffTiming } from "../pod/restart.ts";

/** Resolves after this long or as soon as the signal is aborted; whether it was not. */
export const pause = (ms: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve(!signal.aborted);
    }
    signal.addEventListener("abort", done);
  });

/** Tries again, with a kubelet's back-off, until it succeeds; `null` when aborted first. */
export const persist = async <T>(
  attempt: () => Promise<T>,
  failed: (error: unknown) => void,
  { initialMs, maxMs }: BackoffTiming,
  signal: AbortSignal,
): Promise<T | null> => {
  for (let delayMs = initialMs; !signal.aborted; delayMs = Math.min(delayMs * 2, maxMs)) {
    try {
      return await attempt();
    } catch (error) {
      failed(error);
    }
    await pause(delayMs, signal);
  }
  return null;
};
