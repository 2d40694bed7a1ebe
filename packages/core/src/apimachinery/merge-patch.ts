// JSON merge patch (RFC 7386).

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Patches never need it, and assigning it would change a prototype. */
export const isUnsafeKey = (key: string): boolean => key === "__proto__";

/** The patched value; neither argument is changed. Objects merge, null deletes, the rest replaces. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, change] of Object.entries(patch)) {
    if (isUnsafeKey(key)) continue;
    if (change === null) delete merged[key];
    else
      merged[key] = applyMergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, change);
  }
  return merged;
}
