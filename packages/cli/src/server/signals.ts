// Signals that ask a process to end: the first in order, the second at once.

export type EndSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

const SIGNALS: readonly EndSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** 128 and the signal's number, as shells report it. */
const NUMBERS: Readonly<Record<EndSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
export const exitCodeOf = (signal: EndSignal): number => 128 + NUMBERS[signal];

export interface EndRequest {
  /** Resolves with the first signal. */
  readonly requested: Promise<EndSignal>;
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  stopListening(): void;
}

/** From here on the first signal only asks; a second one ends the process on the spot. */
export function endRequest(onSecond: () => void = () => undefined): EndRequest {
  const abort = new AbortController();
  let resolve: (signal: EndSignal) => void;
  const requested = new Promise<EndSignal>((settle) => (resolve = settle));
  const handlers = SIGNALS.map((name) => {
    const handler = (): void => {
      if (abort.signal.aborted) {
        onSecond();
        process.exit(exitCodeOf(name));
      }
      abort.abort();
      resolve(name);
    };
    process.on(name, handler);
    return { name, handler };
  });
  return {
    requested,
    signal: abort.signal,
    stopListening: () => {
      for (const { name, handler } of handlers) process.off(name, handler);
    },
  };
}
