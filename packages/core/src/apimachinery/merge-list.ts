// Lists in a strategic merge patch: items matched by a key, and the order the result has.

export type JsonObject = Record<string, unknown>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What two items must share to be one: the merge key's value, or the item itself. */
export const identityOf = (item: unknown, mergeKey: string | undefined): unknown =>
  mergeKey !== undefined && isJsonObject(item) ? item[mergeKey] : item;

/**
 * The order of a merged list. Items that `wanted` names stand in its order, the others in the order
 * they had; the two are merged by the old positions, and what has none comes first.
 */
export function orderMerged(
  merged: readonly unknown[],
  wanted: readonly unknown[],
  old: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] {
  const positions = (items: readonly unknown[]): Map<unknown, number> =>
    new Map(items.map((item, i) => [identityOf(item, mergeKey), i]));
  const wantedAt = positions(wanted);
  const oldAt = positions(old);
  const at = (places: Map<unknown, number>, item: unknown): number =>
    places.get(identityOf(item, mergeKey)) ?? -1;
  const named = merged
    .filter((item) => at(wantedAt, item) >= 0)
    .toSorted((a, b) => at(wantedAt, a) - at(wantedAt, b));
  const others = merged
    .filter((item) => at(wantedAt, item) < 0)
    .toSorted((a, b) => at(oldAt, a) - at(oldAt, b));
  const ordered: unknown[] = [];
  let next = 0;
  for (const item of named) {
    const position = at(oldAt, item);
    while (next < others.length && position >= 0 && isBefore(at(oldAt, others[next]), position)) {
      ordered.push(others[next]);
      next += 1;
    }
    ordered.push(item);
  }
  return [...ordered, ...others.slice(next)];
}

const isBefore = (position: number, other: number): boolean => position >= 0 && position < other;
