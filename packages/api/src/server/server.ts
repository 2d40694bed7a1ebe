// The HTTP server: limits, authentication, bodies as bytes, routes, and one error handler.
import { randomUUID } from "node:crypto";
import { leaseKind, rfc3339 } from "@gantry/core";
import { fastify, type FastifyInstance, LogController } from "fastify";
import { registerDiscovery } from "../discovery/register.ts";
import { groupVersions } from "../discovery/served.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { registerOpenApi } from "../openapi/register.ts";
import { limitInflight } from "../overload/inflight.ts";
import { evict } from "../pods/eviction.ts";
import { podLog } from "../pods/log.ts";
import { registerSessions } from "../pods/session.ts";
import { registerUnserved } from "../pods/unserved.ts";
import { NODE_LEASES } from "../registry/node-leases.ts";
import { strategies } from "../registry/registry.ts";
import { BODY_MAX_BYTES } from "../requests/body.ts";
import { registerReviews } from "../reviews/register.ts";
import type { ApiOptions } from "../start-api.ts";
import { authenticate, pathOf } from "./auth.ts";
import type { ApiContext } from "./context.ts";
import { handleError, handleNotFound } from "./error-handler.ts";
import { registerFixed, serviceOf } from "./fixed-resources.ts";
import { registerHealth } from "./health.ts";
import { refuseImpersonation } from "./impersonation.ts";
import { refuseOthers } from "./refusals.ts";
import { groupPath, registerKind } from "./routes.ts";
import { serveUpgrades } from "./upgrades.ts";

/** The longest name that Kubernetes allows (253), escaped. */
const PARAM_MAX = 1_024;
/** Request line and headers; tokens and selectors are far smaller. */
const HEADER_MAX_BYTES = 65_536;

export const buildServer = async (
  context: ApiContext,
  options: Pick<ApiOptions, "tls" | "token" | "log" | "version">,
  metrics: Metrics,
): Promise<FastifyInstance> => {
  const http = { maxHeaderSize: HEADER_MAX_BYTES };
  const common = {
    loggerInstance: options.log,
    // Requests are logged by a hook of our own, without their queries.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_MAX_BYTES,
    genReqId: () => randomUUID(),
    requestIdHeader: false as const,
    // Kubernetes takes a slash at the end for nothing.
    routerOptions: { maxParamLength: PARAM_MAX, ignoreTrailingSlash: true },
    forceCloseConnections: "idle" as const,
  };
  const app =
    options.tls === null
      ? fastify({ ...common, http })
      : fastify({ ...common, https: { ...http, ...options.tls, minVersion: "TLSv1.2" as const } });
  const server = app as unknown as FastifyInstance;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => {
    done(null, body);
  });
  const check = authenticate(options.token);
  server.addHook("onRequest", (request, reply, done) => {
    reply.header("audit-id", request.id);
    check(request);
    refuseImpersonation(request);
    done();
  });
  context.admission.register(metrics.registry);
  limitInflight(server, context.admission, metrics.registry);
  server.addHook("onResponse", (request, reply, done) => {
    done();
    if (!options.log.isLevelEnabled("debug")) return;
    request.log.debug(
      {
        method: request.method,
        path: pathOf(request),
        status: reply.raw.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      "request",
    );
  });
  server.setErrorHandler(handleError);
  metrics.observe(server);
  metrics.serve(server);
  registerRoutes(server, context, options, await createdAt(context));
  await server.ready();
  serveUpgrades(server);
  return server;
};

/** The namespace `default` is as old as the installation. */
const createdAt = async (context: ApiContext): Promise<string> => {
  const stored = await context.store.get("namespaces", "default");
  return stored?.value.metadata.creationTimestamp ?? rfc3339(context.nowMs());
};

const registerRoutes = (
  app: FastifyInstance,
  context: ApiContext,
  options: Pick<ApiOptions, "version">,
  installedAt: string,
): void => {
  registerHealth(app, context.store, context.nowMs);
  for (const strategy of strategies) registerKind(app, context, strategy);
  // Workers hold those; the API only shows them.
  const held = `${groupPath(leaseKind)}/namespaces/${NODE_LEASES}/${leaseKind.plural}`;
  for (const path of [held, `${held}/:name`]) refuseOthers(app, path, ["GET"]);
  registerFixed(
    app,
    context,
    serviceOf(() => portOf(app), installedAt),
  );
  const revision = () => context.store.revision();
  registerDiscovery(app, {
    revision,
    version: { version: options.version },
    closing: context.closing,
  });
  registerOpenApi(app, { version: options.version });
  registerReviews(app, { now: context.nowMs });
  const pod = "/api/v1/namespaces/:namespace/pods/:name";
  app.get(`${pod}/log`, podLog(context));
  refuseOthers(app, `${pod}/log`, ["GET"]);
  app.post(`${pod}/eviction`, evict(context));
  refuseOthers(app, `${pod}/eviction`, ["POST"]);
  registerSessions(app, context, pod);
  registerUnserved(app, context, pod);
  const served = groupVersions.map(groupPath);
  app.setNotFoundHandler(handleNotFound([...new Set(served)]));
};

const portOf = (app: FastifyInstance): number => {
  const address = app.server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
};
