// An indented list of labelled values, as `describe` prints it.

type OutlineValue = string | number | boolean | undefined | readonly string[] | Outline;

export interface Outline {
  readonly [label: string]: OutlineValue;
}

const INDENT = "  ";

/** Values in one column; lists go on below their first line; absent values are left out. */
export function formatOutline(outline: Outline, indent = ""): string {
  const entries = Object.entries(outline).filter(
    ([, value]) => value !== undefined && !isEmpty(value),
  );
  const plain = entries.filter(([, value]) => !isOutline(value));
  const width = Math.max(0, ...plain.map(([label]) => label.length)) + 3;
  return entries
    .map(([label, value]) => {
      if (isOutline(value)) return `${indent}${label}:\n${formatOutline(value, indent + INDENT)}`;
      const [first = "", ...rest] = Array.isArray(value)
        ? (value as string[])
        : `${value as string}`.split("\n");
      const continuation = rest.map((line) => `${indent}${" ".repeat(width)}${line}\n`).join("");
      return `${indent}${`${label}:`.padEnd(width)}${first}\n${continuation}`;
    })
    .join("");
}

const isOutline = (value: OutlineValue): value is Outline =>
  typeof value === "object" && !Array.isArray(value);

const isEmpty = (value: OutlineValue): boolean =>
  Array.isArray(value) ? value.length === 0 : isOutline(value) && Object.keys(value).length === 0;

/** Entries of a map, sorted; a long value (a whole manifest) is cut. */
export const pairs = (map: Readonly<Record<string, string>> | undefined): string[] =>
  Object.entries(map ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([key, value]) =>
        `${key}=${value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}...` : value}`,
    );

const MAX_VALUE = 80;
