// Routes of discovery: /version, /api, /apis and below.
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { negotiate, parseAccept } from "../requests/negotiate.ts";
import { cachedDocument, type CachedDocument, lazy, sendDocument } from "./cached-document.ts";
import { aggregated, apiVersions, group, groupList, resourceList } from "./documents.ts";
import { type EmptyListOptions, registerEmptyLists } from "./empty-lists.ts";
import { groupVersions } from "./served.ts";
import { type GantryVersion, versionBody } from "./version.ts";

export interface DiscoveryOptions extends EmptyListOptions {
  readonly version: GantryVersion;
}

const JSON_TYPE = "application/json";
const AGGREGATED_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** The aggregated form goes to whoever names it before anything plain. */
function wantsAggregated(header: string | undefined): boolean {
  for (const { type, params } of parseAccept(header)) {
    if (params.get("as") === undefined) {
      if (type === JSON_TYPE || type === "*/*" || type === "application/*") return false;
    } else if (
      type === JSON_TYPE &&
      params.get("as") === "APIGroupDiscoveryList" &&
      params.get("g") === "apidiscovery.k8s.io" &&
      params.get("v") === "v2"
    ) {
      return true;
    }
  }
  return false;
}

const json = (body: object, type = JSON_TYPE): CachedDocument =>
  cachedDocument(`${JSON.stringify(body)}\n`, type);

type Handler = (request: FastifyRequest, reply: FastifyReply) => FastifyReply;

const plain = (make: () => object): Handler => {
  const document = lazy(() => json(make()));
  return (request, reply) => {
    negotiate(request.headers.accept, { list: false });
    return sendDocument(request, reply, document());
  };
};

const fixedPaths: readonly string[] = [
  "/api",
  "/api/v1",
  "/apis",
  "/healthz",
  "/livez",
  "/metrics",
  "/openapi/v2",
  "/openapi/v3",
  "/readyz",
  "/version",
];

/** What `GET /` lists, as Kubernetes does: paths that answer GET, groups included. */
const rootPaths = (named: typeof groupVersions): string[] =>
  [
    ...fixedPaths,
    ...named.flatMap((served) => [
      `/apis/${served.group}`,
      `/apis/${served.group}/${served.version}`,
    ]),
  ].toSorted();

export function registerDiscovery(app: FastifyInstance, options: DiscoveryOptions): void {
  const core = groupVersions.filter((served) => served.group === "");
  const named = groupVersions.filter((served) => served.group !== "");
  const aggregatedCore = lazy(() => json(aggregated(core), AGGREGATED_TYPE));
  const aggregatedNamed = lazy(() => json(aggregated(named), AGGREGATED_TYPE));

  const versions: Handler = (request, reply) => {
    if (wantsAggregated(request.headers.accept)) {
      return sendDocument(request, reply, aggregatedCore());
    }
    negotiate(request.headers.accept, { list: false });
    return sendDocument(request, reply, json(apiVersions(request.headers.host ?? "")));
  };
  const plainGroups = plain(() => groupList(named));
  const groups: Handler = (request, reply) =>
    wantsAggregated(request.headers.accept)
      ? sendDocument(request, reply, aggregatedNamed())
      : plainGroups(request, reply);

  app.get(
    "/",
    plain(() => ({ paths: rootPaths(named) })),
  );
  app.get(
    "/version",
    plain(() => versionBody(options.version)),
  );
  app.get("/api", versions);
  app.get("/apis", groups);
  for (const served of groupVersions) {
    const root = served.group === "" ? "/api" : `/apis/${served.group}`;
    if (served.group !== "")
      app.get(
        root,
        plain(() => group(served)),
      );
    app.get(
      `${root}/${served.version}`,
      plain(() => resourceList(served)),
    );
  }
  registerEmptyLists(app, options);
}
