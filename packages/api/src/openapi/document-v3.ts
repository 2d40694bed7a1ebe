// The OpenAPI v3 document of one group and version.
import {
  deleteOptionsMessage,
  eviction,
  kindOfObject,
  listMetaMessage,
  statusMessage,
  typeInfo,
} from "@gantry/core";
import type { z } from "zod";
import type { GroupVersion, ServedResource } from "../discovery/served.ts";
import { reviewSchema } from "../reviews/review-schemas.ts";
import { PATCH, type ResourceSchemas, resourcePaths } from "./paths.ts";
import { addMessage, reference, type Schema, type Schemas } from "./schemas.ts";

export interface OpenApiV3 {
  readonly openapi: "3.0.0";
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Schema;
  readonly components: { readonly schemas: Schema };
}

const GVK = "x-kubernetes-group-version-kind";

function addKindOf(schemas: Schemas, name: string, kind: object): void {
  const schema = schemas.get(name);
  if (schema === undefined) return;
  const known = (schema[GVK] as object[] | undefined) ?? [];
  const text = JSON.stringify(kind);
  if (!known.some((other) => JSON.stringify(other) === text)) schema[GVK] = [...known, kind];
}

const typeMetaProperties = {
  apiVersion: { type: "string", description: "The group and version of this object's form." },
  kind: { type: "string", description: "The kind of the object." },
};

function addList(schemas: Schemas, resource: ServedResource, object: string): string {
  const name = `${object}List`;
  const listMeta = addMessage(listMetaMessage, schemas);
  schemas.set(name, {
    description: `A list of ${resource.kind} objects.`,
    type: "object",
    required: ["items"],
    properties: {
      apiVersion: typeMetaProperties.apiVersion,
      items: {
        type: "array",
        items: { allOf: [reference(object)], default: {} },
        description: "The objects.",
      },
      kind: typeMetaProperties.kind,
      metadata: { allOf: [reference(listMeta)], default: {}, description: "Of the list." },
    },
    [GVK]: [{ group: resource.group, version: resource.version, kind: `${resource.kind}List` }],
  });
  return name;
}

/** Schema of a kind that is always empty: no field of it is served. */
function addOpaque(schemas: Schemas, { group, version, kind }: ServedResource): string {
  const name = `io.k8s.api.${group === "" ? "core" : group}.${version}.${kind}`;
  const description = `Not run here: there are none, and none can be created.`;
  schemas.set(name, { description, type: "object", properties: { ...typeMetaProperties } });
  return name;
}

const schemaOf = (resource: ServedResource): z.ZodObject | undefined => {
  const apiVersion =
    resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
  return kindOfObject(apiVersion, resource.kind)?.schema ?? reviewSchema(apiVersion, resource.kind);
};

function addResource(schemas: Schemas, resource: ServedResource): ResourceSchemas {
  const schema = schemaOf(resource);
  const object = schema === undefined ? addOpaque(schemas, resource) : addMessage(schema, schemas);
  const { group, version, kind } = resource;
  addKindOf(schemas, object, { group, version, kind });
  const list = resource.verbs.includes("list") ? addList(schemas, resource, object) : object;
  const subresources = new Map<string, string>();
  for (const { name, responseKind } of resource.subresources) {
    if (responseKind.kind !== "Eviction") continue;
    const body = addMessage(eviction, schemas);
    addKindOf(schemas, body, responseKind);
    subresources.set(name, body);
  }
  return { object, list, subresources };
}

const sorted = (schemas: Schemas): Schema =>
  Object.fromEntries([...schemas].toSorted(([a], [b]) => (a < b ? -1 : 1)));

export function documentV3(served: GroupVersion, version: string): OpenApiV3 {
  const schemas: Schemas = new Map();
  addMessage(deleteOptionsMessage, schemas);
  addMessage(statusMessage, schemas);
  const { group } = served;
  const deleteOptions = typeInfo.get(deleteOptionsMessage)?.name ?? "";
  addKindOf(schemas, deleteOptions, { group, version: served.version, kind: "DeleteOptions" });
  const status = typeInfo.get(statusMessage)?.name ?? "";
  addKindOf(schemas, status, { group: "", version: "v1", kind: "Status" });
  schemas.set(PATCH, {
    description: "A change, in the form its content type says.",
    type: "object",
  });
  const paths: Schema = {};
  for (const resource of served.resources) {
    Object.assign(paths, resourcePaths(resource, addResource(schemas, resource)));
  }
  return {
    openapi: "3.0.0",
    info: { title: "Gantry", version },
    paths,
    components: { schemas: sorted(schemas) },
  };
}
