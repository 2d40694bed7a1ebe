// Sets of fields, as metadata.managedFields holds them: a tree of `f:` names, `k:` keys and `v:` values.

/** A set below one place: which of its elements belong to the set, and the sets below them. */
export interface FieldSet {
  /** Elements such as `f:spec`, `k:{"name":"c"}`, `v:"x"`. */
  readonly members: Set<string>;
  readonly children: Map<string, FieldSet>;
}

/** FieldsV1 as JSON: `{}` at a leaf, `.` for a member that has others below it. */
export interface FieldsV1 {
  readonly [element: string]: FieldsV1;
}

/** Elements from the root down. */
export type FieldPath = readonly string[];

export const emptySet = (): FieldSet => ({ members: new Set(), children: new Map() });

export const isEmptySet = (set: FieldSet): boolean =>
  set.members.size === 0 && [...set.children.values()].every(isEmptySet);

const childOf = (set: FieldSet, element: string): FieldSet => {
  let child = set.children.get(element);
  if (child === undefined) set.children.set(element, (child = emptySet()));
  return child;
};

export function addPath(set: FieldSet, path: FieldPath): void {
  const last = path.at(-1);
  if (last === undefined) return;
  let at = set;
  for (const element of path.slice(0, -1)) at = childOf(at, element);
  at.members.add(last);
}

/** Applies `keep` to the members of both at every place. */
function combine(
  a: FieldSet,
  b: FieldSet,
  keep: (inA: boolean, inB: boolean) => boolean,
): FieldSet {
  const result = emptySet();
  for (const element of new Set([...a.members, ...b.members])) {
    if (keep(a.members.has(element), b.members.has(element))) result.members.add(element);
  }
  for (const element of new Set([...a.children.keys(), ...b.children.keys()])) {
    const child = combine(
      a.children.get(element) ?? emptySet(),
      b.children.get(element) ?? emptySet(),
      keep,
    );
    if (!isEmptySet(child)) result.children.set(element, child);
  }
  return result;
}

export const union = (a: FieldSet, b: FieldSet): FieldSet =>
  combine(a, b, (inA, inB) => inA || inB);
export const intersection = (a: FieldSet, b: FieldSet): FieldSet =>
  combine(a, b, (inA, inB) => inA && inB);
export const difference = (a: FieldSet, b: FieldSet): FieldSet =>
  combine(a, b, (inA, inB) => inA && !inB);

/** Without the paths given and all that is below them. */
export function withoutBelow(set: FieldSet, paths: readonly FieldPath[]): FieldSet {
  const result = union(set, emptySet());
  for (const path of paths) {
    let at: FieldSet | undefined = result;
    for (const element of path.slice(0, -1)) at = at?.children.get(element);
    const last = path.at(-1);
    if (last === undefined) continue;
    at?.members.delete(last);
    at?.children.delete(last);
  }
  return combine(result, emptySet(), (inA) => inA);
}

export const sameSet = (a: FieldSet, b: FieldSet): boolean =>
  isEmptySet(difference(a, b)) && isEmptySet(difference(b, a));

/** In Kubernetes' order: a member before what is below it, elements sorted. */
export function pathsOf(set: FieldSet, prefix: FieldPath = []): FieldPath[] {
  const paths: FieldPath[] = [...set.members].sort().map((element) => [...prefix, element]);
  for (const [element, child] of [...set.children].sort(([a], [b]) => (a < b ? -1 : 1))) {
    paths.push(...pathsOf(child, [...prefix, element]));
  }
  return paths;
}

export function toFieldsV1(set: FieldSet): FieldsV1 {
  const elements = new Set([...set.members, ...set.children.keys()]);
  const fields: Record<string, FieldsV1> = {};
  for (const element of [...elements].sort()) {
    const child = set.children.get(element);
    if (child === undefined || isEmptySet(child)) {
      if (set.members.has(element)) fields[element] = {};
    } else {
      fields[element] = {
        ...(set.members.has(element) ? { ".": {} } : {}),
        ...toFieldsV1(child),
      };
    }
  }
  return fields;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Returns `undefined` for what is no FieldsV1. */
export function fromFieldsV1(fields: unknown): FieldSet | undefined {
  if (!isObject(fields)) return undefined;
  const set = emptySet();
  for (const [element, below] of Object.entries(fields)) {
    if (element === ".") continue;
    if (!/^[fkvi]:/.test(element) || !isObject(below)) return undefined;
    const names = Object.keys(below);
    if (names.length === 0 || names.includes(".")) set.members.add(element);
    const child = fromFieldsV1(below);
    if (child === undefined) return undefined;
    if (!isEmptySet(child)) set.children.set(element, child);
  }
  return set;
}

/** `.spec.containers[name="c"].image` */
export const pathText = (path: FieldPath): string => path.map(elementText).join("");

function elementText(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith("f:")) return `.${rest}`;
  if (element.startsWith("v:")) return `[=${rest}]`;
  if (!element.startsWith("k:")) return `[${rest}]`;
  const keys = JSON.parse(rest) as Record<string, unknown>;
  const texts = Object.entries(keys).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `[${texts.join(",")}]`;
}
