// One text for one value: JSON with sorted keys, from which a task definition's name derives.

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, sorted(one)]),
  );
};

/** Independent of the order in which members were set; absent and `undefined` are the same. */
export const canonicalJson = (value: unknown): string => JSON.stringify(sorted(value));
