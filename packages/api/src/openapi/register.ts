// Routes of OpenAPI: /openapi/v3 with its documents, and /openapi/v2.
import { badRequest, notAcceptable } from "@gantry/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import {
  cachedDocument,
  type CachedDocument,
  lazy,
  sendDocument,
} from "../discovery/cached-document.ts";
import { type GroupVersion, groupVersions } from "../discovery/served.ts";
import { parseAccept } from "../requests/negotiate.ts";
import { documentV2 } from "./document-v2.ts";
import { documentV3 } from "./document-v3.ts";
import { encodeSwagger, SWAGGER_PROTOBUF_TYPE } from "./encode-swagger.ts";

export interface OpenApiOptions {
  /** Gantry's version. */
  readonly version: string;
}

/** A document named by its hash never changes. */
const FOREVER = "public, immutable";

/** `api/v1`, `apis/batch/v1`. */
const pathOf = ({ group, version }: GroupVersion): string =>
  group === "" ? `api/${version}` : `apis/${group}/${version}`;

/** What the older clients ask for, and the name under which it is answered. */
const PROTOBUF_TYPES = new Set([
  "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
  SWAGGER_PROTOBUF_TYPE,
]);

function swaggerForm(accept: string | undefined): "json" | "protobuf" {
  const clauses = parseAccept(accept);
  if (clauses.length === 0) return "json";
  for (const { type } of clauses) {
    if (type === "*/*" || type === "application/*" || type === "application/json") return "json";
    if (PROTOBUF_TYPES.has(type)) return "protobuf";
  }
  throw notAcceptable(["application/json", SWAGGER_PROTOBUF_TYPE]);
}

export function registerOpenApi(app: FastifyInstance, { version }: OpenApiOptions): void {
  const documents = new Map<string, () => CachedDocument>(
    groupVersions.map((served) => [
      pathOf(served),
      lazy(() => cachedDocument(JSON.stringify(documentV3(served, version)), "application/json")),
    ]),
  );
  const index = lazy(() => {
    const paths = [...documents].map(([path, document]) => [
      path,
      { serverRelativeURL: `/openapi/v3/${path}?hash=${document().hash}` },
    ]);
    const text = JSON.stringify({ paths: Object.fromEntries(paths) as object });
    // As Kubernetes labels it.
    return cachedDocument(text, "text/plain; charset=utf-8");
  });
  const swagger = lazy(() => {
    const parts = groupVersions.map((served) => documentV3(served, version));
    return documentV2(parts, version);
  });
  const swaggerJson = lazy(() => cachedDocument(JSON.stringify(swagger()), "application/json"));
  const swaggerProtobuf = lazy(() =>
    cachedDocument(encodeSwagger(swagger()), SWAGGER_PROTOBUF_TYPE),
  );

  app.get("/openapi/v3", (request, reply) => sendDocument(request, reply, index()));
  for (const [path, document] of documents) {
    app.get(`/openapi/v3/${path}`, (request: FastifyRequest, reply: FastifyReply) => {
      const { hash } = request.query as { hash?: string | string[] };
      if (Array.isArray(hash)) throw badRequest("hash may be given once");
      if (hash !== undefined) {
        if (hash !== document().hash) {
          return reply.redirect(`/openapi/v3/${path}?hash=${document().hash}`, 301);
        }
        reply.header("cache-control", FOREVER);
      }
      return sendDocument(request, reply, document());
    });
  }
  app.get("/openapi/v2", (request, reply) => {
    const form = swaggerForm(request.headers.accept);
    return sendDocument(request, reply, form === "json" ? swaggerJson() : swaggerProtobuf());
  });
}
