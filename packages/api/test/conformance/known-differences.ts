// Exchanges whose answers differ from the recorded ones, each with its reason.

export const knownDifferences: ReadonlyMap<number, string> = new Map([]);
