// Sets of fields, as metadata.managedFields holds them: a tree of `f:` names, `k:` keys and `v:` values.

/**
 * A set below one place: which of its elements belong to the set, and the sets below them. Once made
 * it never changes: sets share their parts, and are remembered for the objects they came from.
 */
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

/** Members of both at every place. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const result = emptySet();
  for (const element of a.members) if (b.members.has(element)) result.members.add(element);
  for (const [element, below] of a.children) {
    const other = b.children.get(element);
    const child = other === undefined ? emptySet() : intersection(below, other);
    if (!isEmptySet(child)) result.children.set(element, child);
  }
  return result;
}

/** `a` itself where `b` adds nothing: most writes change little of what is owned. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  const added = [...b.members].filter((element) => !a.members.has(element));
  const changed: [string, FieldSet][] = [];
  for (const [element, below] of b.children) {
    const known = a.children.get(element);
    const child = known === undefined ? below : union(known, below);
    if (child !== known && !isEmptySet(child)) changed.push([element, child]);
  }
  if (added.length + changed.length === 0) return a;
  return {
    members: added.length === 0 ? a.members : new Set([...a.members, ...added]),
    children: changed.length === 0 ? a.children : new Map([...a.children, ...changed]),
  };
}

/** `a` itself where nothing of it is in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  let { members, children } = a;
  for (const element of b.members) {
    if (!members.has(element)) continue;
    if (members === a.members) members = new Set(members);
    members.delete(element);
  }
  for (const [element, below] of b.children) {
    const known = children.get(element);
    const child = known === undefined ? undefined : difference(known, below);
    if (child === known || child === undefined) continue;
    if (children === a.children) children = new Map(children);
    if (isEmptySet(child)) children.delete(element);
    else children.set(element, child);
  }
  return members === a.members && children === a.children ? a : { members, children };
}

/** Without the paths given and all that is below them; `set` itself where it has none of them. */
export const withoutBelow = (set: FieldSet, paths: readonly FieldPath[]): FieldSet =>
  paths.reduce((rest, path) => withoutPath(rest, path, 0), set);

function withoutPath(set: FieldSet, path: FieldPath, depth: number): FieldSet {
  const element = path[depth];
  if (element === undefined) return set;
  const below = set.children.get(element);
  const isLast = depth === path.length - 1;
  const child = isLast || below === undefined ? undefined : withoutPath(below, path, depth + 1);
  const dropsMember = isLast && set.members.has(element);
  if (child === below && !dropsMember) return set;
  let { members } = set;
  if (dropsMember) {
    members = new Set(members);
    members.delete(element);
  }
  const children = new Map(set.children);
  if (child === undefined || isEmptySet(child)) children.delete(element);
  else children.set(element, child);
  return { members, children };
}

export const sameSet = (a: FieldSet, b: FieldSet): boolean =>
  a === b || (isEmptySet(difference(a, b)) && isEmptySet(difference(b, a)));

/** In Kubernetes' order: a member before what is below it, elements sorted. */
export function pathsOf(set: FieldSet, prefix: FieldPath = []): FieldPath[] {
  const paths: FieldPath[] = [...set.members].sort().map((element) => [...prefix, element]);
  for (const [element, child] of [...set.children].sort(([a], [b]) => (a < b ? -1 : 1))) {
    paths.push(...pathsOf(child, [...prefix, element]));
  }
  return paths;
}

const trees = new WeakMap<FieldSet, FieldsV1>();

/** One tree for one set: it is shared, and nobody may change it. */
export function toFieldsV1(set: FieldSet): FieldsV1 {
  let tree = trees.get(set);
  if (tree === undefined) trees.set(set, (tree = newTree(set)));
  return tree;
}

function newTree(set: FieldSet): FieldsV1 {
  const elements = new Set([...set.members, ...set.children.keys()]);
  const fields: Record<string, FieldsV1> = {};
  for (const element of [...elements].sort()) {
    const child = set.children.get(element);
    if (child === undefined || isEmptySet(child)) {
      if (set.members.has(element)) fields[element] = {};
    } else {
      fields[element] = set.members.has(element)
        ? { ".": {}, ...toFieldsV1(child) }
        : toFieldsV1(child);
    }
  }
  return fields;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const sets = new WeakMap<object, FieldSet>();

/** Returns `undefined` for what is no FieldsV1. Frozen trees are shared by many objects: read once. */
export function fromFieldsV1(fields: unknown): FieldSet | undefined {
  if (!isObject(fields)) return undefined;
  const known = sets.get(fields);
  if (known !== undefined) return known;
  const set = newSet(fields);
  if (set !== undefined && Object.isFrozen(fields)) {
    sets.set(fields, set);
    trees.set(set, fields as FieldsV1);
  }
  return set;
}

function newSet(fields: Record<string, unknown>): FieldSet | undefined {
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
