// The Swagger document as protobuf (gnostic's openapi.v2.Document): the only form that client-go reads.
import protobuf from "protobufjs/minimal.js";
import type { Schema } from "./schemas.ts";

export const SWAGGER_PROTOBUF_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

type Writer = protobuf.Writer;

/** Writes a message as the field `number` of the writer's message. */
function message(writer: Writer, number: number, write: () => void): void {
  writer.uint32((number << 3) | 2).fork();
  write();
  writer.ldelim();
}

function text(writer: Writer, number: number, value: unknown): void {
  if (typeof value === "string" && value !== "") writer.uint32((number << 3) | 2).string(value);
}

function texts(writer: Writer, number: number, values: unknown): void {
  for (const value of (values as string[] | undefined) ?? []) text(writer, number, value);
}

function flag(writer: Writer, number: number, value: unknown): void {
  if (value === true) writer.uint32(number << 3).bool(true);
}

/** Each entry as a {name = 1, value = 2} message. */
function entries(
  writer: Writer,
  number: number,
  values: Schema,
  write: (value: Schema) => void,
): void {
  for (const [name, value] of Object.entries(values)) {
    message(writer, number, () => {
      text(writer, 1, name);
      message(writer, 2, () => write(value as Schema));
    });
  }
}

/** `x-` keys, whose values are YAML; JSON is YAML. */
function extensions(writer: Writer, number: number, schema: Schema): void {
  const found = Object.entries(schema).filter(([name]) => name.startsWith("x-"));
  for (const [name, value] of found) {
    message(writer, number, () => {
      text(writer, 1, name);
      message(writer, 2, () => text(writer, 2, `${JSON.stringify(value)}\n`));
    });
  }
}

function writeSchema(writer: Writer, schema: Schema): void {
  text(writer, 1, schema["$ref"]);
  text(writer, 2, schema["format"]);
  text(writer, 4, schema["description"]);
  texts(writer, 19, schema["required"]);
  const { additionalProperties, type, items, properties } = schema;
  if (additionalProperties !== undefined) {
    message(writer, 21, () =>
      message(writer, 1, () => writeSchema(writer, additionalProperties as Schema)),
    );
  }
  if (type !== undefined) message(writer, 22, () => text(writer, 1, type));
  if (items !== undefined) {
    message(writer, 23, () => message(writer, 1, () => writeSchema(writer, items as Schema)));
  }
  if (properties !== undefined) {
    message(writer, 25, () =>
      entries(writer, 1, properties as Schema, (value) => writeSchema(writer, value)),
    );
  }
  extensions(writer, 31, schema);
}

/** `number` is that of the list of parameters. */
function writeParameter(writer: Writer, number: number, parameter: Schema): void {
  const { in: place, name, description, required, type } = parameter;
  const writePlain = (typeNumber: number): void => {
    flag(writer, 1, required);
    text(writer, 2, place);
    text(writer, 3, description);
    text(writer, 4, name);
    text(writer, typeNumber, type);
  };
  message(writer, number, () =>
    message(writer, 1, () => {
      if (place === "body") {
        message(writer, 1, () => {
          text(writer, 2, name);
          text(writer, 3, place);
          flag(writer, 4, required);
          message(writer, 5, () => writeSchema(writer, parameter["schema"] as Schema));
        });
      } else if (place === "path")
        message(writer, 2, () => message(writer, 4, () => writePlain(5)));
      else message(writer, 2, () => message(writer, 3, () => writePlain(6)));
    }),
  );
}

function writeResponse(writer: Writer, response: Schema): void {
  message(writer, 1, () => {
    text(writer, 1, response["description"]);
    const schema = response["schema"];
    if (schema === undefined) return;
    message(writer, 2, () => message(writer, 1, () => writeSchema(writer, schema as Schema)));
  });
}

function writeOperation(writer: Writer, operation: Schema): void {
  texts(writer, 1, operation["tags"]);
  text(writer, 3, operation["description"]);
  text(writer, 5, operation["operationId"]);
  texts(writer, 6, operation["produces"]);
  texts(writer, 7, operation["consumes"]);
  for (const parameter of operation["parameters"] as Schema[]) writeParameter(writer, 8, parameter);
  message(writer, 9, () =>
    entries(writer, 1, operation["responses"] as Schema, (response) =>
      writeResponse(writer, response),
    ),
  );
  texts(writer, 10, operation["schemes"]);
  extensions(writer, 13, operation);
}

const methods = [
  ["get", 2],
  ["put", 3],
  ["post", 4],
  ["delete", 5],
  ["patch", 8],
] as const;

function writePath(writer: Writer, path: Schema): void {
  for (const [method, number] of methods) {
    const operation = path[method];
    if (operation === undefined) continue;
    message(writer, number, () => writeOperation(writer, operation as Schema));
  }
  for (const parameter of path["parameters"] as Schema[]) writeParameter(writer, 9, parameter);
}

/** `document` is a Swagger 2.0 document as JSON holds it. */
export function encodeSwagger(document: object): Buffer {
  const { swagger, info, paths, definitions } = document as Record<string, Schema>;
  const writer = protobuf.Writer.create();
  text(writer, 1, swagger);
  message(writer, 2, () => {
    text(writer, 1, info?.["title"]);
    text(writer, 2, info?.["version"]);
  });
  message(writer, 8, () => entries(writer, 2, paths ?? {}, (path) => writePath(writer, path)));
  message(writer, 9, () =>
    entries(writer, 1, definitions ?? {}, (schema) => writeSchema(writer, schema)),
  );
  return Buffer.from(writer.finish());
}
