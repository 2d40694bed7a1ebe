// Decodes parsed JSON into an object of a message schema as Kubernetes' JSON decoder does.
// Each schema is compiled once into closures; zod does not run per request.
import type { z } from "zod";
import { quantity, rawObject, typeInfo } from "../schema/message.ts";
import {
  decodeBoolean,
  decodeBytes,
  DecodeError,
  decodeInt32,
  decodeInt64,
  decodeIntOrString,
  decodeMicroTime,
  decodeQuantity,
  decodeResource,
  decodeString,
  decodeTime,
  jsonWord,
} from "./decode-scalar.ts";
import type { ScalarDecoder } from "./decode-scalar.ts";
import { goQuote } from "./go-text.ts";
import { invariant } from "./invariant.ts";
import { maxJsonDepth } from "./json-scan.ts";

/** Unknown fields reported at most. */
const maxStrictErrors = 100;
/** Assigning it would change the prototype of the object that is built. */
const PROTO = "__proto__";

/** Where the decoder is, and what it found that strict decoding refuses. */
interface Cursor {
  /** Field names and list indexes. */
  readonly path: (string | number)[];
  /** Go's name of the struct whose field is being decoded; empty at the top. */
  struct: string;
  readonly unknown: string[];
}

interface Decoder {
  readonly decode: (value: unknown, at: Cursor) => unknown;
  /** Go's name of the type. */
  readonly type: string;
  /** What `null` means as an item of a list or map. */
  readonly zero: () => unknown;
}

function mismatch(given: string, type: string, at: Cursor): DecodeError {
  const fields = at.path.filter((part) => typeof part === "string");
  const into = at.struct === "" ? "Go value" : `Go struct field ${at.struct}.${fields.join(".")}`;
  return new DecodeError(`json: cannot unmarshal ${given} into ${into} of type ${type}`);
}

function pathText(path: readonly (string | number)[], last: string): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text === "" ? last : `${text}.${last}`;
}

function scalarDecoder(decode: ScalarDecoder, type: string, zero: unknown): Decoder {
  return {
    type,
    zero: () => zero,
    decode: (value, at) => decode(value, (given, goType) => mismatch(given, goType, at)),
  };
}

const scalars: ReadonlyMap<string, Decoder> = new Map([
  ["string", scalarDecoder(decodeString, "string", "")],
  ["bool", scalarDecoder(decodeBoolean, "bool", false)],
  ["int32", scalarDecoder(decodeInt32, "int32", 0)],
  ["int64", scalarDecoder(decodeInt64, "int64", 0)],
  ["[]uint8", scalarDecoder(decodeBytes, "[]uint8", "")],
  ["v1.Time", scalarDecoder(decodeTime, "v1.Time", "")],
  ["v1.MicroTime", scalarDecoder(decodeMicroTime, "v1.MicroTime", "")],
  ["resource.Quantity", scalarDecoder(decodeQuantity, "resource.Quantity", "0")],
  ["intstr.IntOrString", scalarDecoder(decodeIntOrString, "intstr.IntOrString", 0)],
]);
const resourceAmount = scalarDecoder(decodeResource, "resource.Quantity", "0");

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function refuseProto(at: Cursor): DecodeError {
  return new DecodeError(`the key ${goQuote(pathText(at.path, PROTO))} is not supported`);
}

function copyRaw(value: unknown, at: Cursor, depth: number): unknown {
  if (depth > maxJsonDepth) throw new DecodeError("exceeded max depth");
  if (Array.isArray(value)) return value.map((item) => copyRaw(item, at, depth + 1));
  if (!isObject(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (key === PROTO) throw refuseProto(at);
    copy[key] = copyRaw(value[key], at, depth + 1);
  }
  return copy;
}

const raw: Decoder = {
  type: "map[string]interface {}",
  zero: () => ({}),
  decode: (value, at) => {
    if (!isObject(value)) throw mismatch(jsonWord(value), "map[string]interface {}", at);
    return copyRaw(value, at, 0);
  },
};

function listDecoder(item: Decoder): Decoder {
  const type = `[]${item.type}`;
  return {
    type,
    zero: () => [],
    decode: (value, at) => {
      if (!Array.isArray(value)) throw mismatch(jsonWord(value), type, at);
      const items: unknown[] = [];
      for (let i = 0; i < value.length; i += 1) {
        at.path.push(i);
        items.push(value[i] === null ? item.zero() : item.decode(value[i], at));
        at.path.pop();
      }
      return items;
    },
  };
}

/** Keys come out sorted, as Go writes its maps. */
function mapDecoder(entry: Decoder): Decoder {
  const type = `map[string]${entry.type}`;
  return {
    type,
    zero: () => ({}),
    decode: (value, at) => {
      if (!isObject(value)) throw mismatch(jsonWord(value), type, at);
      const entries: Record<string, unknown> = {};
      for (const key of Object.keys(value).toSorted()) {
        if (key === PROTO) throw refuseProto(at);
        const given = value[key];
        entries[key] = given === null ? entry.zero() : entry.decode(given, at);
      }
      return entries;
    },
  };
}

/** `io.k8s.api.batch.v1.JobSpec` is `v1.JobSpec` in Go. */
const goTypeName = (name: string): string => name.split(".").slice(-2).join(".");

function messageDecoder(schema: z.ZodObject): Decoder {
  const name = typeInfo.get(schema)?.name;
  invariant(name !== undefined, "a message schema has a name");
  const type = goTypeName(name);
  const struct = type.slice(type.indexOf(".") + 1);
  // Looked up on first use: schemas may refer to each other in circles.
  const fields = new Map<string, () => Decoder>();
  for (const [key, field] of Object.entries(schema.shape)) {
    let decoder: Decoder | undefined;
    fields.set(key, () => (decoder ??= compile(unwrap(field as z.ZodType))));
  }
  const decode = (value: unknown, at: Cursor): unknown => {
    if (!isObject(value)) throw mismatch(jsonWord(value), type, at);
    const outer = at.struct;
    const message: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      const field = fields.get(key);
      if (field === undefined) {
        if (at.unknown.length < maxStrictErrors) at.unknown.push(pathText(at.path, key));
        continue;
      }
      const given = value[key];
      if (given === null || given === undefined) continue;
      at.struct = struct;
      at.path.push(key);
      message[key] = field().decode(given, at);
      at.path.pop();
    }
    at.struct = outer;
    return message;
  };
  return { type, zero: () => ({}), decode };
}

function unwrap(schema: z.ZodType): z.ZodType {
  return schema.def.type === "optional"
    ? unwrap((schema as z.ZodOptional<z.ZodType>).unwrap())
    : schema;
}

const compiled = new WeakMap<z.ZodType, Decoder>();

function compile(schema: z.ZodType): Decoder {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const decoder = build(schema);
  compiled.set(schema, decoder);
  return decoder;
}

function build(schema: z.ZodType): Decoder {
  if (schema === rawObject) return raw;
  const { type } = schema.def;
  if (type === "object") return messageDecoder(schema as z.ZodObject);
  if (type === "array") return listDecoder(compile((schema as z.ZodArray<z.ZodType>).element));
  if (type === "record") {
    const { valueType } = schema as z.ZodRecord<z.ZodString, z.ZodType>;
    // Every map of quantities is a list of amounts of resources.
    return mapDecoder(valueType === quantity ? resourceAmount : compile(valueType));
  }
  const scalar = scalars.get(typeInfo.get(schema)?.go ?? "string");
  invariant(scalar !== undefined, "every scalar schema has a decoder");
  return scalar;
}

export interface Decoded<T> {
  readonly value: T;
  /** Paths of fields that the schema does not know, in document order; they are dropped. */
  readonly unknownFields: readonly string[];
}

/** Decodes a parsed JSON value. Throws DecodeError with Go's text for a value of the wrong type. */
export function decodeMessage<S extends z.ZodObject>(
  schema: S,
  value: unknown,
): Decoded<z.infer<S>> {
  const at: Cursor = { path: [], struct: "", unknown: [] };
  const decoded = compile(schema).decode(value, at) as z.infer<S>;
  return { value: decoded, unknownFields: at.unknown };
}

export { DecodeError };
