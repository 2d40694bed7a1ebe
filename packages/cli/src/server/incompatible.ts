// A store that a newer Gantry took while this process ran: the process stops and says so.

export interface Incompatibility {
  /** For the parts. */
  readonly onIncompatible: (error: Error) => void;
  /** Rejects when it happens; never resolves. */
  readonly happened: Promise<never>;
}

export function incompatibility(): Incompatibility {
  let onIncompatible: (error: Error) => void = () => undefined;
  const happened = new Promise<never>((_resolve, reject) => {
    onIncompatible = reject;
  });
  // It may happen while nobody waits for it yet.
  happened.catch(() => undefined);
  return { onIncompatible: (error) => onIncompatible(error), happened };
}
