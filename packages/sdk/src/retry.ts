// When a request is tried again, and after how long.
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionError, GantryError } from "./errors.ts";

export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** Pause before the second try; it doubles from there, with jitter. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

/** About 3 s in all: long enough for a restart of the server, short enough for a person. */
export const DEFAULT_RETRY: RetryPolicy = { attempts: 6, firstDelayMs: 100, maxDelayMs: 2_000 };

/** Exponential with half jitter; `tried` counts the failures so far, from 1. */
export function delayMs(
  policy: RetryPolicy,
  tried: number,
  random: number = Math.random(),
): number {
  const whole = Math.min(policy.firstDelayMs * 2 ** (tried - 1), policy.maxDelayMs);
  return whole / 2 + (whole / 2) * random;
}

/**
 * Whether repeating is safe. A request that never left may always be repeated, and so may one that the server
 * turned away for load; anything else only if doing it twice is the same as doing it once.
 */
function mayRetry(error: unknown, idempotent: boolean): boolean {
  if (error instanceof ConnectionError) return error.unsent || idempotent;
  if (!(error instanceof GantryError)) return false;
  if (error.code === 429) return true;
  return idempotent && (error.code === 502 || error.code === 503 || error.code === 504);
}

export async function withRetry<T>(
  policy: RetryPolicy,
  idempotent: boolean,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (tried >= policy.attempts || !mayRetry(error, idempotent) || signal?.aborted) throw error;
      const asked = error instanceof GantryError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0;
      await sleep(Math.max(asked, delayMs(policy, tried)), undefined, { signal });
    }
  }
}
