// The building blocks of API types: a message is a zod object whose fields carry their protobuf number.
import { z } from "zod";

/** What a schema says about itself beyond its shape. */
export interface TypeInfo {
  /** OpenAPI definition name of a message, e.g. `io.k8s.api.batch.v1.JobSpec`. */
  readonly name?: string;
  /** Go's name of a scalar, as it stands in decoding errors, e.g. `int32`. */
  readonly go?: string;
  /** OpenAPI `format` of a scalar. */
  readonly format?: string;
}

/** What a field of a message says about itself. */
export interface FieldInfo {
  /** protobuf field numbers, outermost first; more than one where protobuf nests what JSON inlines. */
  readonly proto: readonly number[];
  readonly description?: string;
  /** Key by which strategic merge patch and server-side apply match list items. */
  readonly mergeKey?: string | readonly string[];
  /** A strategic merge patch replaces the list although apply matches its items. */
  readonly patchReplaces?: true;
  /** Server-side apply list type, when it is not `atomic`. */
  readonly listType?: "map" | "set";
}

export const typeInfo = z.registry<TypeInfo>();
export const fieldInfo = z.registry<FieldInfo>();

const scalar = <T extends z.ZodType>(schema: T, info: TypeInfo): T => {
  typeInfo.add(schema, info);
  return schema;
};

export const string = scalar(z.string(), { go: "string" });
export const boolean = scalar(z.boolean(), { go: "bool" });
export const int32 = scalar(z.int().min(-2147483648).max(2147483647), {
  go: "int32",
  format: "int32",
});
export const int64 = scalar(z.int(), { go: "int64", format: "int64" });
/** base64 text in JSON. */
export const bytes = scalar(z.string(), { go: "[]uint8", format: "byte" });
/** RFC 3339 with whole seconds, UTC. */
export const time = scalar(z.string(), { go: "v1.Time", format: "date-time" });
/** RFC 3339 with microseconds, UTC. */
export const microTime = scalar(z.string(), { go: "v1.MicroTime", format: "date-time" });
/** Canonical text of a resource quantity; a JSON number is accepted and turned into text. */
export const quantity = scalar(z.string(), {
  go: "resource.Quantity",
  name: "io.k8s.apimachinery.pkg.api.resource.Quantity",
});
export const intOrString = scalar(z.union([z.int(), z.string()]), {
  go: "intstr.IntOrString",
  name: "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  format: "int-or-string",
});
/** Any JSON object, kept as it came. */
export const rawObject = scalar(z.record(z.string(), z.unknown()), {
  go: "map[string]interface {}",
});

export const list = <T extends z.ZodType>(item: T): z.ZodArray<T> => z.array(item);
export const map = <T extends z.ZodType>(value: T): z.ZodRecord<z.ZodString, T> =>
  z.record(z.string(), value);

/** A field: optional as every field of the Kubernetes API is on the wire. */
export function field<T extends z.ZodType>(
  proto: number | readonly number[],
  schema: T,
  extra: Omit<FieldInfo, "proto"> = {},
): z.ZodOptional<T> {
  const optional = schema.optional();
  fieldInfo.add(optional, { proto: typeof proto === "number" ? [proto] : proto, ...extra });
  return optional;
}

export function message<S extends z.ZodRawShape>(name: string, shape: S) {
  const schema = z.object(shape);
  typeInfo.add(schema, { name });
  return schema;
}

/** `apiVersion` and `kind` of a top-level object; in protobuf they are in the envelope. */
export const typeMeta = {
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
};
