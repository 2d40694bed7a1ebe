// Whether a stored object is what a manifest asks for: the server adds defaults, it does not change what was said.

/** Everything in `wanted` is in `actual`; lists item by item. `null` is the same as absent. */
export function isSubset(wanted: unknown, actual: unknown): boolean {
  if (wanted === undefined || wanted === null) return true;
  if (Array.isArray(wanted)) {
    if (!Array.isArray(actual)) return wanted.length === 0 && actual === undefined;
    return (
      wanted.length === actual.length &&
      wanted.every((item, index) => isSubset(item, actual[index]))
    );
  }
  if (typeof wanted === "object") {
    const fields = Object.entries(wanted);
    if (typeof actual !== "object" || actual === null) {
      return actual === undefined && fields.every(([, value]) => isSubset(value, undefined));
    }
    const other = actual as Record<string, unknown>;
    return fields.every(([key, value]) => isSubset(value, other[key]));
  }
  // A quantity may be written as a number and is stored as text.
  return wanted === actual || (typeof wanted === "number" && String(wanted) === actual);
}
