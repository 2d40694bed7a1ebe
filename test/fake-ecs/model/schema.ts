// Reads the schema arrays that the published clients carry at run time.

/**
 * A schema as the client exports it: a number, a lazy reference, or an array whose head is its
 * kind.
 */
export type RawSchema = unknown;

export type Simple = "string" | "number" | "boolean" | "timestamp" | "blob" | "document";

export type Schema =
  | { readonly kind: Simple }
  | { readonly kind: "list"; readonly element: RawSchema }
  | { readonly kind: "map"; readonly value: RawSchema }
  | Structure;

export interface Structure {
  readonly kind: "structure";
  readonly name: string;
  readonly members: ReadonlyMap<string, RawSchema>;
  readonly required: ReadonlySet<string>;
}

export interface Operation {
  readonly name: string;
  readonly input: RawSchema;
  readonly output: RawSchema;
}

const LIST = 1;
const MAP = 2;
const STRUCTURE = 3;
const ERROR = -3;
const UNION = 4;
const SIMPLE = 0;
const OPERATION = 9;
/** Added to a simple kind's number: a list of it, a map of it. */
const LIST_FLAG = 64;
const MAP_FLAG = 128;

const simpleKinds: Readonly<Record<number, Simple>> = {
  0: "string",
  1: "number",
  2: "boolean",
  4: "timestamp",
  5: "timestamp",
  6: "timestamp",
  7: "timestamp",
  15: "document",
  17: "number",
  19: "number",
  21: "blob",
  42: "blob",
};

const simple = (code: number): Schema => {
  if (code >= MAP_FLAG) return { kind: "map", value: code - MAP_FLAG };
  if (code >= LIST_FLAG) return { kind: "list", element: code - LIST_FLAG };
  const kind = simpleKinds[code];
  if (kind === undefined) throw new Error(`schema of unknown simple kind ${code}`);
  return { kind };
};

const isFunction = (value: unknown): value is () => RawSchema => typeof value === "function";

const structure = (raw: readonly unknown[]): Structure => {
  const [, , name, , names, schemas, required] = raw;
  const all = names as readonly string[];
  return {
    kind: "structure",
    name: String(name),
    members: new Map(all.map((member, i) => [member, (schemas as readonly RawSchema[])[i]])),
    required: new Set(all.slice(0, Number(required ?? 0))),
  };
};

export const readSchema = (raw: RawSchema): Schema => {
  if (isFunction(raw)) return readSchema(raw());
  if (typeof raw === "number") return simple(raw);
  if (raw === "unit") {
    return { kind: "structure", name: "Unit", members: new Map(), required: new Set() };
  }
  if (!Array.isArray(raw)) throw new Error(`not a schema: ${JSON.stringify(raw)}`);
  const parts = raw as readonly unknown[];
  // A member: its schema and its traits, where a schema proper has its namespace second.
  if (typeof parts[1] !== "string") return readSchema(parts[0]);
  switch (parts[0]) {
    case SIMPLE:
      return simple(Number(parts[4]));
    case LIST:
      return { kind: "list", element: parts[4] };
    case MAP:
      return { kind: "map", value: parts[5] };
    case STRUCTURE:
    case ERROR:
    case UNION:
      return structure(parts);
    default:
      throw new Error(`schema of unknown kind ${String(parts[0])}`);
  }
};

/** The operation's schema from a client's exports, which name it with a dollar at the end. */
export const readOperation = (
  exports: Readonly<Record<string, unknown>>,
  name: string,
): Operation => {
  const raw = exports[`${name}$`];
  if (!Array.isArray(raw) || raw[0] !== OPERATION) throw new Error(`no operation ${name}`);
  const [, , , , input, output] = raw as unknown[];
  return { name, input, output };
};

/** Every structure that a value of this schema can contain, by name. */
export const structuresIn = (raw: RawSchema, found = new Map<string, Structure>()) => {
  const schema = readSchema(raw);
  if (schema.kind === "list") structuresIn(schema.element, found);
  else if (schema.kind === "map") structuresIn(schema.value, found);
  else if (schema.kind === "structure" && !found.has(schema.name)) {
    found.set(schema.name, schema);
    for (const member of schema.members.values()) structuresIn(member, found);
  }
  return found;
};
