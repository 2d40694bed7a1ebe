// A JSON merge patch from three sides: what was applied before, what is wanted now, what is there.

type Fields = Readonly<Record<string, unknown>>;

/**
 * Sets what is wanted and differs, removes what was applied before and is wanted no more; fields that others
 * set stay. Lists are whole values. `undefined` when nothing is to be done.
 */
export function threeWayPatch(
  before: unknown,
  wanted: unknown,
  current: unknown,
): Fields | undefined {
  const patch = diff(asFields(before), asFields(wanted), asFields(current));
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function diff(before: Fields, wanted: Fields, current: Fields): Fields {
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(before)) {
    if (wanted[key] === undefined && current[key] !== undefined) patch[key] = null;
  }
  for (const [key, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    const there = current[key];
    if (isFields(value) && isFields(there)) {
      const inner = diff(asFields(before[key]), value, there);
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (!covers(value, there)) patch[key] = value;
  }
  return patch;
}

/** Lists are compared item by item, because the server adds defaults inside their items. */
function covers(wanted: unknown, there: unknown): boolean {
  if (wanted === null) return there === undefined;
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(there) &&
      wanted.length === there.length &&
      wanted.every((item, index) => covers(item, there[index]))
    );
  }
  if (isFields(wanted)) {
    return (
      isFields(there) && Object.entries(wanted).every(([key, value]) => covers(value, there[key]))
    );
  }
  return wanted === there;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const asFields = (value: unknown): Fields => (isFields(value) ? value : {});
