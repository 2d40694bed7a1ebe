// Compares a value with the published model: unknown members, missing ones, wrong types, unknown
// enum values. The clients do none of this; the fake does it to requests and to its own answers.
import { readSchema, type RawSchema, type Schema, type Simple } from "./schema.ts";
import type { ServiceSnapshot } from "./snapshot.ts";

export type ProblemKind = "unknown" | "missing" | "type" | "enum";

export interface Problem {
  readonly kind: ProblemKind;
  /** As in `overrides.containerOverrides[0].name`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/**
 * `wire`: parsed JSON. `client`: what is given to or comes from the SDK, with Date and Uint8Array.
 */
export type Form = "wire" | "client";

interface Context {
  readonly snapshot: ServiceSnapshot;
  readonly form: Form;
  readonly problems: Problem[];
}

const fits = (kind: Simple, value: unknown, form: Form): boolean => {
  switch (kind) {
    case "string":
    case "boolean":
      return typeof value === kind;
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    case "timestamp":
      return form === "wire" ? typeof value === "number" : value instanceof Date;
    case "blob":
      return form === "wire" ? typeof value === "string" : value instanceof Uint8Array;
    case "document":
      return true;
  }
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

const checkEnum = (value: unknown, enumName: string | undefined, path: string, to: Context) => {
  const known = enumName === undefined ? undefined : to.snapshot.enums[enumName];
  if (known === undefined || typeof value !== "string" || known.includes(value)) return;
  to.problems.push({
    kind: "enum",
    path,
    message: `${path}: "${value}" is no ${enumName}: ${known.join(", ")}`,
  });
};

const wrongType = (value: unknown, wanted: string, path: string, to: Context): void => {
  const got = Array.isArray(value) ? "list" : value === null ? "null" : typeof value;
  to.problems.push({
    kind: "type",
    path,
    message: `${path || "input"}: ${wanted} wanted, got ${got}`,
  });
};

const checkStructure = (
  value: unknown,
  schema: Schema & { kind: "structure" },
  path: string,
  to: Context,
): void => {
  if (!isObject(value)) return wrongType(value, schema.name, path, to);
  const at = (member: string): string => (path === "" ? member : `${path}.${member}`);
  for (const name of schema.required) {
    if (value[name] !== undefined && value[name] !== null) continue;
    to.problems.push({ kind: "missing", path: at(name), message: `${at(name)}: required` });
  }
  for (const [name, member] of Object.entries(value)) {
    const raw = schema.members.get(name);
    if (!schema.members.has(name)) {
      const message = `${at(name)}: ${schema.name} has no such member`;
      to.problems.push({ kind: "unknown", path: at(name), message });
    } else if (member !== undefined) {
      checkValue(member, raw, at(name), to, to.snapshot.members[`${schema.name}.${name}`]);
    }
  }
};

const checkValue = (
  value: unknown,
  raw: RawSchema,
  path: string,
  to: Context,
  enumName?: string,
): void => {
  const schema = readSchema(raw);
  switch (schema.kind) {
    case "structure":
      return checkStructure(value, schema, path, to);
    case "list":
      if (!Array.isArray(value)) return wrongType(value, "list", path, to);
      for (const [i, one] of value.entries()) {
        checkValue(one, schema.element, `${path}[${i}]`, to, enumName);
      }
      return;
    case "map":
      if (!isObject(value)) return wrongType(value, "map", path, to);
      for (const [key, one] of Object.entries(value)) {
        checkEnum(key, enumName, `${path}.${key}`, to);
        checkValue(one, schema.value, `${path}.${key}`, to);
      }
      return;
    default:
      if (!fits(schema.kind, value, to.form)) return wrongType(value, schema.kind, path, to);
      checkEnum(value, enumName, path, to);
  }
};

/** Everything wrong with the value; empty when it is as the model says. */
export const check = (
  value: unknown,
  schema: RawSchema,
  snapshot: ServiceSnapshot,
  form: Form,
): readonly Problem[] => {
  const problems: Problem[] = [];
  checkValue(value, schema, "", { snapshot, form, problems });
  return problems;
};
