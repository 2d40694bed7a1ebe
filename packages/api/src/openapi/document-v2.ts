// The OpenAPI v2 (Swagger) document: all v3 documents, said in the older form.
import type { OpenApiV3 } from "./document-v3.ts";
import type { Schema } from "./schemas.ts";

const isObject = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A v3 schema in v2: references stand alone, and alternatives become text. */
function schemaV2(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(schemaV2);
  if (!isObject(value)) return value;
  const result: Schema = {};
  for (const [key, field] of Object.entries(value)) {
    if (key === "default" || key === "uniqueItems") continue;
    if (key === "oneOf") result["type"] = "string";
    else if (key === "allOf") Object.assign(result, schemaV2((field as unknown[])[0]) as Schema);
    else if (key === "$ref") {
      result[key] = String(field).replace("#/components/schemas/", "#/definitions/");
    } else result[key] = schemaV2(field);
  }
  return result;
}

/** A field of a message may be called `default` or `allOf`: names are not keywords. */
function definition(schema: Schema): Schema {
  const { properties, ...rest } = schema;
  const result = schemaV2(rest) as Schema;
  if (!isObject(properties)) return result;
  result["properties"] = Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, schemaV2(property)]),
  );
  return result;
}

const parameterV2 = (parameter: Schema): Schema => {
  const { schema, ...rest } = parameter;
  return { ...rest, ...(schema as Schema) };
};

interface Content {
  readonly [type: string]: { readonly schema?: Schema };
}

const contentOf = (value: unknown): Content => ((value as Schema)["content"] ?? {}) as Content;

function operationV2(operation: Schema): Schema {
  const { requestBody, responses, parameters, ...rest } = operation;
  const inBody: Schema[] = [];
  let consumes = ["*/*"];
  if (requestBody !== undefined) {
    const content = contentOf(requestBody);
    consumes = Object.keys(content);
    const schema = schemaV2(Object.values(content)[0]?.schema);
    inBody.push({
      in: "body",
      name: "body",
      required: rest["x-kubernetes-action"] !== "delete",
      schema,
    });
  }
  let produces: string[] = [];
  const answers: Schema = {};
  for (const [code, response] of Object.entries(responses as Schema)) {
    const content = contentOf(response);
    if (Object.keys(content).length > 0) produces = Object.keys(content);
    const schema = Object.values(content)[0]?.schema;
    answers[code] = {
      description: (response as Schema)["description"],
      ...(schema === undefined ? {} : { schema: schemaV2(schema) }),
    };
  }
  return {
    ...rest,
    consumes,
    produces,
    schemes: ["https"],
    parameters: [...inBody, ...(parameters as Schema[]).map(parameterV2)],
    responses: answers,
  };
}

function pathV2(path: Schema): Schema {
  const { parameters, ...operations } = path;
  return {
    ...Object.fromEntries(
      Object.entries(operations).map(([method, operation]) => [
        method,
        operationV2(operation as Schema),
      ]),
    ),
    parameters: (parameters as Schema[]).map(parameterV2),
  };
}

export function documentV2(documents: readonly OpenApiV3[], version: string): object {
  const paths: Schema = {};
  const definitions: Record<string, Schema> = {};
  const kindsKey = "x-kubernetes-group-version-kind";
  for (const document of documents) {
    for (const [path, entry] of Object.entries(document.paths)) {
      paths[path] = pathV2(entry as Schema);
    }
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      const next = definition(schema as Schema);
      const known = definitions[name]?.[kindsKey] as object[] | undefined;
      if (known !== undefined) {
        const all = [...known, ...((next[kindsKey] as object[] | undefined) ?? [])];
        const texts = new Set(all.map((kind) => JSON.stringify(kind)));
        next[kindsKey] = [...texts].map((text) => JSON.parse(text) as object);
      }
      definitions[name] = next;
    }
  }
  return { swagger: "2.0", info: { title: "Gantry", version }, paths, definitions };
}
