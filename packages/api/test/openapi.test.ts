// OpenAPI: what kubectl and code generators need of the documents.
import { kinds } from "@gantry/core";
import fastify, { type FastifyInstance } from "fastify";
import protobuf from "protobufjs/minimal.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { registerOpenApi } from "../src/openapi/register.ts";

type Schema = Record<string, unknown>;
interface Document {
  readonly paths: Record<string, Record<string, Schema>>;
  readonly components: { readonly schemas: Record<string, Schema> };
}

const SWAGGER = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

let app: FastifyInstance;
let index: Record<string, { serverRelativeURL: string }>;
beforeAll(async () => {
  app = fastify();
  app.setErrorHandler((error, _request, reply) =>
    reply.code((error as { code?: number }).code ?? 500).send(),
  );
  registerOpenApi(app, { version: "0.1.0" });
  const response = await app.inject("/openapi/v3");
  index = response.json<{ paths: typeof index }>().paths;
});
afterAll(() => app.close());

const document = async (path: string): Promise<Document> => {
  const response = await app.inject(index[path]?.serverRelativeURL ?? "");
  expect(response.statusCode).toBe(200);
  return response.json<Document>();
};

const propertyOf = (from: Document, message: string, field: string): Schema =>
  ((from.components.schemas[message]?.["properties"] as Schema | undefined)?.[field] ??
    {}) as Schema;

describe("the index", () => {
  it("names each document by its hash, and the hash names its bytes for ever", async () => {
    const response = await app.inject("/openapi/v3");
    expect(response.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(Object.keys(index)).toContain("apis/batch/v1");
    const url = index["api/v1"]?.serverRelativeURL ?? "";
    expect(url).toMatch(/^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]{128}$/);
    const answer = await app.inject(url);
    expect(answer.headers["etag"]).toBe(`"${url.split("=")[1]}"`);
    expect(answer.headers["cache-control"]).toContain("immutable");
  });

  it("an outdated hash is sent to the present one", async () => {
    const answer = await app.inject("/openapi/v3/apis/batch/v1?hash=OLD");
    expect(answer.statusCode).toBe(301);
    expect(answer.headers["location"]).toBe(index["apis/batch/v1"]?.serverRelativeURL);
  });

  it("is answered 304 to its own ETag", async () => {
    const { headers } = await app.inject("/openapi/v3");
    const again = await app.inject({
      url: "/openapi/v3",
      headers: { "if-none-match": String(headers["etag"]) },
    });
    expect(again.statusCode).toBe(304);
  });
});

describe("documents", () => {
  it("every reference resolves", async () => {
    for (const path of Object.keys(index)) {
      const parsed = await document(path);
      const references = JSON.stringify(parsed).matchAll(
        /"\$ref":"#\/components\/schemas\/([^"]+)"/g,
      );
      let found = 0;
      for (const [, name = ""] of references) {
        expect(parsed.components.schemas, `${path}: ${name}`).toHaveProperty([name]);
        found += 1;
      }
      expect(found).toBeGreaterThan(0);
    }
  });

  it("operation ids are unique", async () => {
    const ids: unknown[] = [];
    for (const path of Object.keys(index)) {
      for (const entry of Object.values((await document(path)).paths)) {
        for (const operation of Object.values(entry)) {
          if (!Array.isArray(operation)) ids.push(operation["operationId"]);
        }
      }
    }
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain("createBatchV1NamespacedJob");
    expect(ids).toContain("listBatchV1JobForAllNamespaces");
    expect(ids).toContain("patchCoreV1NamespacedPodStatus");
    expect(ids).toContain("deleteBatchV1CollectionNamespacedCronJob");
  });

  it("PATCH of each kind declares what kubectl apply looks for", async () => {
    for (const kind of kinds.filter(({ verbs }) => verbs.includes("patch"))) {
      const root = kind.group === "" ? "api/v1" : `apis/${kind.apiVersion}`;
      const { paths } = await document(root);
      const namespace = kind.namespaced ? "namespaces/{namespace}/" : "";
      const patch = paths[`/${root}/${namespace}${kind.plural}/{name}`]?.["patch"] ?? {};
      const { group, version, kind: name } = kind;
      expect(patch["x-kubernetes-group-version-kind"]).toEqual({ group, version, kind: name });
      const parameters = (patch["parameters"] as { name: string; in: string }[]).map(
        (each) => each.name,
      );
      expect(parameters).toEqual(
        expect.arrayContaining(["fieldValidation", "dryRun", "fieldManager", "force"]),
      );
    }
  });

  it("kinds, merge keys, list types, formats and atomic messages", async () => {
    const batch = await document("apis/batch/v1");
    expect(batch.components.schemas["io.k8s.api.batch.v1.Job"]).toMatchObject({
      type: "object",
      "x-kubernetes-group-version-kind": [{ group: "batch", version: "v1", kind: "Job" }],
    });
    expect(propertyOf(batch, "io.k8s.api.core.v1.PodSpec", "containers")).toMatchObject({
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      "x-kubernetes-patch-merge-key": "name",
      "x-kubernetes-patch-strategy": "merge",
    });
    expect(propertyOf(batch, "io.k8s.api.core.v1.PodSpec", "volumes")).toMatchObject({
      "x-kubernetes-patch-strategy": "merge,retainKeys",
    });
    expect(propertyOf(batch, "io.k8s.api.batch.v1.JobStatus", "conditions")).toMatchObject({
      "x-kubernetes-list-type": "atomic",
      "x-kubernetes-patch-merge-key": "type",
    });
    expect(propertyOf(batch, "io.k8s.api.batch.v1.JobSpec", "activeDeadlineSeconds")).toMatchObject(
      {
        type: "integer",
        format: "int64",
      },
    );
    expect(
      batch.components.schemas["io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector"],
    ).toMatchObject({ "x-kubernetes-map-type": "atomic" });
  });

  it("every field of batch/v1 and of a container is described", async () => {
    const batch = await document("apis/batch/v1");
    const missing: string[] = [];
    for (const [name, schema] of Object.entries(batch.components.schemas)) {
      const ours = name.startsWith("io.k8s.api.batch.") || name.endsWith("core.v1.Container");
      if (!ours) continue;
      if (schema["description"] === undefined) missing.push(name);
      for (const [field, property] of Object.entries((schema["properties"] ?? {}) as Schema)) {
        if ((property as Schema)["description"] === undefined) missing.push(`${name}.${field}`);
      }
    }
    expect(missing).toEqual([]);
  });
});

describe("the Swagger document", () => {
  it("as JSON: references of the older form that all resolve", async () => {
    const response = await app.inject("/openapi/v2");
    const swagger = response.json<{ definitions: Record<string, Schema>; paths: object }>();
    const references = response.body.matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g);
    for (const [, name = ""] of references) expect(swagger.definitions).toHaveProperty([name]);
    expect(response.body).not.toContain("/components/");
    expect(response.body).not.toContain("oneOf");
    expect(Object.keys(swagger.paths)).toContain("/apis/batch/v1/namespaces/{namespace}/jobs");
  });

  it("as protobuf, which is all that client-go reads", async () => {
    const response = await app.inject({ url: "/openapi/v2", headers: { accept: SWAGGER } });
    expect(response.headers["content-type"]).toBe(SWAGGER.replace("@", "."));
    const reader = protobuf.Reader.create(response.rawPayload);
    const fields: number[] = [];
    const definitions: string[] = [];
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      fields.push(tag >>> 3);
      if (tag >>> 3 !== 9) {
        reader.skipType(tag & 7);
        continue;
      }
      const end = reader.uint32() + reader.pos;
      while (reader.pos < end) {
        reader.uint32();
        const entryEnd = reader.uint32() + reader.pos;
        reader.uint32();
        definitions.push(reader.string());
        reader.pos = entryEnd;
      }
    }
    expect(fields).toEqual([1, 2, 8, 9]);
    const json = (await app.inject("/openapi/v2")).json<{ definitions: object }>();
    expect(definitions).toEqual(Object.keys(json.definitions));
  });

  it("refuses other forms", async () => {
    const response = await app.inject({ url: "/openapi/v2", headers: { accept: "text/html" } });
    expect(response.statusCode).toBe(406);
  });
});
