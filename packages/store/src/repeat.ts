// Runs something again and again, never twice at once, and survives its faults.

/** As much of a logger as is needed here. */
export interface WarnLog {
  warn(fields: object, message: string): void;
}

export interface Repeating {
  /** Resolves when a run under way has ended. */
  close(): Promise<void>;
}

export const repeat = (
  everyMs: number,
  log: WarnLog,
  what: string,
  run: () => Promise<unknown>,
): Repeating => {
  let closed = false;
  let timeout: NodeJS.Timeout | undefined;
  let current: Promise<void> = Promise.resolve();
  const tick = async (): Promise<void> => {
    try {
      await run();
    } catch (error) {
      if (!closed) log.warn({ err: error }, `${what} failed; it is tried again`);
    }
    if (!closed) schedule();
  };
  const schedule = (): void => {
    timeout = setTimeout(() => {
      current = tick();
    }, everyMs);
  };
  schedule();
  return {
    async close() {
      closed = true;
      clearTimeout(timeout);
      await current;
    },
  };
};
