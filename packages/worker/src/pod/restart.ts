// Whether an ended container starts again in place, and after how long (R46).

export interface RestartRule {
  readonly operator: string;
  readonly values: readonly number[];
}

export interface RestartBehaviour {
  /** The Pod's restartPolicy. */
  readonly podPolicy: string;
  /** The container's own, which goes before the Pod's. */
  readonly containerPolicy?: string | undefined;
  /** `Restart` rules by exit code, which go before both. */
  readonly rules?: readonly RestartRule[] | undefined;
  /** An init container that is no sidecar is done once it succeeded. */
  readonly runsToSuccess: boolean;
}

export const shouldRestart = (behaviour: RestartBehaviour, exitCode: number): boolean => {
  if (behaviour.runsToSuccess && exitCode === 0) return false;
  for (const { operator, values } of behaviour.rules ?? []) {
    if (values.includes(exitCode) === (operator === "In")) return true;
  }
  const policy = behaviour.containerPolicy ?? behaviour.podPolicy;
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
};

export interface BackoffTiming {
  readonly initialMs: number;
  readonly maxMs: number;
  /** A container that ran this long starts from the beginning. */
  readonly resetAfterMs: number;
}

export const kubeletBackoff: BackoffTiming = {
  initialMs: 10_000,
  maxMs: 300_000,
  resetAfterMs: 600_000,
};

/**
 * A kubelet's back-off of one container: the first restart comes at once, then the delay starts
 * at 10 s and doubles to 300 s.
 */
export class RestartBackoff {
  readonly #timing: BackoffTiming;
  #nextMs = 0;

  constructor(timing: BackoffTiming) {
    this.#timing = timing;
  }

  /** Milliseconds to wait after a run of `ranMs`. */
  delayAfter(ranMs: number): number {
    const { initialMs, maxMs, resetAfterMs } = this.#timing;
    const delayMs = ranMs >= resetAfterMs ? 0 : this.#nextMs;
    this.#nextMs = delayMs === 0 ? initialMs : Math.min(delayMs * 2, maxMs);
    return delayMs;
  }
}
