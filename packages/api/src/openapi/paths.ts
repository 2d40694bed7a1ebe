// OpenAPI paths of one resource: its collection, its objects, its subresources.
import type { ServedResource, ServedSubresource } from "../discovery/served.ts";
import {
  deleteCollectionParameters,
  deleteParameters,
  listParameters,
  logParameters,
  nameParameter,
  namespaceParameter,
  type Parameter,
  patchParameters,
  pretty,
  sessionParameters,
  writeParameters,
} from "./parameters.ts";
import { reference, type Schema } from "./schemas.ts";

/** Names of the schemas that a resource's operations refer to. */
export interface ResourceSchemas {
  readonly object: string;
  readonly list: string;
  /** Of subresources that have a body of their own kind, by the subresource's name. */
  readonly subresources: ReadonlyMap<string, string>;
}

export const STATUS = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
export const DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
export const PATCH = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";

const bodyTypes = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const answerTypes = ["application/json", "application/yaml"];
const patchTypes = [
  "application/apply-patch+yaml",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

const content = (types: readonly string[], schema: Schema): Schema =>
  Object.fromEntries(types.map((type) => [type, { schema }]));

interface Operation {
  readonly method: "get" | "put" | "post" | "patch" | "delete";
  /** Kubernetes' word: get, list, post, put, patch, delete, deletecollection. */
  readonly action: string;
  /** First word of the operationId: read, replace... */
  readonly idVerb: string;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly types: readonly string[]; readonly schema: string };
  readonly answer: string;
}

/** `BatchV1`, `CoreV1`, `EventsV1`. */
function groupName({ group, version }: ServedResource): string {
  const name = group === "" ? "core" : (group.split(".")[0] ?? group);
  return capital(name) + capital(version);
}
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function operation(
  resource: ServedResource,
  of: Operation,
  idSuffix: string,
  kind = { group: resource.group, version: resource.version, kind: resource.kind },
): Schema {
  const scope = resource.namespaced && !idSuffix.endsWith("ForAllNamespaces") ? "Namespaced" : "";
  const idKind = of.action === "deletecollection" ? `Collection${scope}` : scope;
  const ok = { description: "OK", content: content(answerTypes, reference(of.answer)) };
  const created = of.method === "get" || of.method === "delete" ? {} : { "201": ok };
  const accepted = of.method === "post" || of.method === "delete" ? { "202": ok } : {};
  const group = resource.group === "" ? "core" : (resource.group.split(".")[0] ?? "");
  return {
    tags: [`${group}_${resource.version}`],
    description: of.description,
    operationId: `${of.idVerb}${groupName(resource)}${idKind}${resource.kind}${idSuffix}`,
    parameters: of.parameters,
    ...(of.body === undefined
      ? {}
      : { requestBody: { content: content(of.body.types, reference(of.body.schema)) } }),
    responses: { "200": ok, ...created, ...accepted, "401": { description: "Unauthorized" } },
    "x-kubernetes-action": of.action,
    "x-kubernetes-group-version-kind": kind,
  };
}

function collectionOperations(resource: ServedResource, schemas: ResourceSchemas): Operation[] {
  const { kind, verbs } = resource;
  const operations: Operation[] = [];
  if (verbs.includes("list")) {
    operations.push({
      method: "get",
      action: "list",
      idVerb: "list",
      description: `List or watch objects of kind ${kind}.`,
      parameters: listParameters,
      answer: schemas.list,
    });
  }
  if (verbs.includes("create")) {
    operations.push({
      method: "post",
      action: "post",
      idVerb: "create",
      description: `Create a ${kind}.`,
      parameters: writeParameters,
      body: { types: bodyTypes, schema: schemas.object },
      answer: schemas.object,
    });
  }
  if (verbs.includes("deletecollection")) {
    operations.push({
      method: "delete",
      action: "deletecollection",
      idVerb: "delete",
      description: `Delete every ${kind} that matches.`,
      parameters: deleteCollectionParameters,
      body: { types: bodyTypes, schema: DELETE_OPTIONS },
      answer: STATUS,
    });
  }
  return operations;
}

/** Get, put and patch: of an object, or of its subresource, whose name `what` begins with. */
function readAndWrite(what: string, verbs: readonly string[], schema: string): Operation[] {
  const operations: Operation[] = [];
  if (verbs.includes("get")) {
    operations.push({
      method: "get",
      action: "get",
      idVerb: "read",
      description: `Read ${what}.`,
      parameters: [],
      answer: schema,
    });
  }
  if (verbs.includes("update")) {
    operations.push({
      method: "put",
      action: "put",
      idVerb: "replace",
      description: `Replace ${what}.`,
      parameters: writeParameters,
      body: { types: bodyTypes, schema },
      answer: schema,
    });
  }
  if (verbs.includes("patch")) {
    operations.push({
      method: "patch",
      action: "patch",
      idVerb: "patch",
      description: `Change fields of ${what}.`,
      parameters: patchParameters,
      body: { types: patchTypes, schema: PATCH },
      answer: schema,
    });
  }
  return operations;
}

function objectOperations(resource: ServedResource, schemas: ResourceSchemas): Operation[] {
  const operations = readAndWrite(`the ${resource.kind}`, resource.verbs, schemas.object);
  if (resource.verbs.includes("delete")) {
    operations.push({
      method: "delete",
      action: "delete",
      idVerb: "delete",
      description: `Delete the ${resource.kind}.`,
      parameters: deleteParameters,
      body: { types: bodyTypes, schema: DELETE_OPTIONS },
      answer: STATUS,
    });
  }
  return operations;
}

function subresourceOperations(
  resource: ServedResource,
  subresource: ServedSubresource,
  schema: string,
): Operation[] {
  const what = `the ${subresource.name} of the ${resource.kind}`;
  const operations = readAndWrite(what, subresource.verbs, schema).map((operation) =>
    subresource.name === "log" ? { ...operation, parameters: logParameters } : operation,
  );
  if (subresource.verbs.includes("create")) {
    operations.push({
      method: "post",
      action: "post",
      idVerb: "create",
      description: `Create ${what}.`,
      parameters: writeParameters,
      body: { types: bodyTypes, schema },
      answer: schema,
    });
  }
  return operations;
}

/** pods/exec and pods/attach: the connection becomes a WebSocket, and there is no body. */
function connectOperations(
  resource: ServedResource,
  name: "exec" | "attach",
  kind: Schema,
): Schema {
  const connect = (method: "get" | "post"): Schema => ({
    tags: [`core_${resource.version}`],
    description: `Connect ${method.toUpperCase()} requests to ${name} of ${resource.kind}.`,
    operationId: `connect${groupName(resource)}${capital(method)}Namespaced${resource.kind}${capital(name)}`,
    parameters: [],
    responses: {
      "200": { description: "OK", content: content(["*/*"], { type: "string" }) },
      "401": { description: "Unauthorized" },
    },
    "x-kubernetes-action": "connect",
    "x-kubernetes-group-version-kind": kind,
  });
  return { get: connect("get"), post: connect("post") };
}

export function resourcePaths(resource: ServedResource, schemas: ResourceSchemas): Schema {
  const root = resource.group === "" ? "/api/v1" : `/apis/${resource.group}/${resource.version}`;
  const prefix = resource.namespaced ? `${root}/namespaces/{namespace}` : root;
  const collection = `${prefix}/${resource.plural}`;
  const common = [...(resource.namespaced ? [namespaceParameter] : []), pretty];
  const named = [nameParameter(resource.kind), ...common];
  const entry = (
    operations: readonly Operation[],
    parameters: readonly Parameter[],
    suffix = "",
    kind?: { group: string; version: string; kind: string },
  ): Schema => ({
    ...Object.fromEntries(
      operations.map((each) => [each.method, operation(resource, each, suffix, kind)]),
    ),
    parameters,
  });
  const paths: Schema = {};
  const ofCollection = collectionOperations(resource, schemas);
  const lists = ofCollection.filter(({ action }) => action === "list");
  if (resource.namespaced && lists.length > 0) {
    paths[`${root}/${resource.plural}`] = entry(lists, [pretty], "ForAllNamespaces");
  }
  paths[collection] = entry(ofCollection, common);
  const ofObject = objectOperations(resource, schemas);
  if (ofObject.length > 0) paths[`${collection}/{name}`] = entry(ofObject, named);
  for (const subresource of resource.subresources) {
    const { group, version, kind } = subresource.responseKind;
    if (subresource.name === "exec" || subresource.name === "attach") {
      paths[`${collection}/{name}/${subresource.name}`] = {
        ...connectOperations(resource, subresource.name, { group, version, kind }),
        parameters: [...sessionParameters(subresource.name), ...named],
      };
      continue;
    }
    const schema = schemas.subresources.get(subresource.name) ?? schemas.object;
    paths[`${collection}/{name}/${subresource.name}`] = entry(
      subresourceOperations(resource, subresource, schema),
      named,
      capital(subresource.name),
      { group, version, kind },
    );
  }
  return paths;
}
