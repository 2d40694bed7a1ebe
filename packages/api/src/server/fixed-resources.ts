// Services: there is one, that of the API, which clients look for; it never changes.
import { notFound, serviceKind, table } from "@gantry/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiObject } from "../registry/strategy.ts";
import { negotiate } from "../requests/negotiate.ts";
import { listOptions, queryOf } from "../requests/query.ts";
import { includeOf, partialOf, sendBody, sendList } from "../responses/send.ts";
import type { ApiContext } from "./context.ts";
import { refuseOthers } from "./refusals.ts";

interface FixedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly items: readonly ApiObject[];
}

const WATCH_SECONDS = 1_800;
/** Of objects that were there from the beginning. */
const FIRST_REVISION = "1";

/** What Kubernetes' clients find the API by; here it only says that there is one. */
const apiService = (port: number, creationTimestamp: string): ApiObject => ({
  kind: "Service",
  apiVersion: "v1",
  metadata: {
    name: "kubernetes",
    namespace: "default",
    uid: "00000000-0000-4000-8000-000000000001",
    resourceVersion: FIRST_REVISION,
    creationTimestamp,
    labels: { component: "apiserver", provider: "kubernetes" },
  },
  spec: {
    ports: [{ name: "https", protocol: "TCP", port: 443, targetPort: port }],
    clusterIP: "127.0.0.1",
    clusterIPs: ["127.0.0.1"],
    type: "ClusterIP",
    sessionAffinity: "None",
    ipFamilies: ["IPv4"],
    ipFamilyPolicy: "SingleStack",
    internalTrafficPolicy: "Cluster",
  },
  status: { loadBalancer: {} },
});

/** `port`: where the API listens, known once it does. As old as the installation. */
export const serviceOf = (port: () => number, createdAt: string): FixedKind => ({
  ...serviceKind,
  get items() {
    return [apiService(port(), createdAt)];
  },
});

const rootOf = ({ group, version }: FixedKind): string =>
  group === "" ? `/api/${version}` : `/apis/${group}/${version}`;

const watchFixed = async (
  context: ApiContext,
  kind: FixedKind,
  items: readonly ApiObject[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> => {
  const options = listOptions(queryOf(request));
  const { shape } = negotiate(request.headers.accept, { list: true, watch: true });
  const include = includeOf(request);
  const rv = await context.store.revision();
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
  const initial = options.sendInitialEvents || (options.resourceVersion ?? "0") === "0";
  for (const item of initial ? items : []) {
    const object =
      shape === "Table"
        ? table(kind.kind, [item], context.nowMs(), { metadata: {}, include })
        : shape === "object"
          ? item
          : partialOf(item);
    raw.write(`${JSON.stringify({ type: "ADDED", object })}\n`);
  }
  if (initial && options.allowWatchBookmarks) {
    const annotations = { "k8s.io/initial-events-end": "true" };
    const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
    const metadata = { resourceVersion: rv, annotations };
    raw.write(
      `${JSON.stringify({ type: "BOOKMARK", object: { kind: kind.kind, apiVersion, metadata } })}\n`,
    );
  }
  raw.flushHeaders();
  await new Promise<void>((resolve) => {
    const end = (): void => {
      raw.end();
    };
    const timer = setTimeout(end, (options.timeoutSeconds ?? WATCH_SECONDS) * 1000);
    context.closing.addEventListener("abort", end, { once: true });
    raw.once("close", () => {
      clearTimeout(timer);
      context.closing.removeEventListener("abort", end);
      resolve();
    });
  });
};

export const registerFixed = (app: FastifyInstance, context: ApiContext, kind: FixedKind): void => {
  const root = rootOf(kind);
  const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
  const list = async (request: FastifyRequest, reply: FastifyReply) => {
    const { namespace } = request.params as { namespace?: string };
    const items = kind.items.filter(
      ({ metadata }) => namespace === undefined || metadata?.namespace === namespace,
    );
    if (listOptions(queryOf(request)).watch) {
      await watchFixed(context, kind, items, request, reply);
      return undefined;
    }
    const rv = await context.store.revision();
    return sendList(
      request,
      reply,
      { kind: kind.kind, apiVersion },
      { rv, items },
      context.nowMs(),
    );
  };
  const get = (request: FastifyRequest, reply: FastifyReply) => {
    const { namespace, name = "" } = request.params as { namespace?: string; name?: string };
    const { format, shape } = negotiate(request.headers.accept, { list: false });
    const item = kind.items.find(
      ({ metadata }) => metadata?.name === name && metadata.namespace === namespace,
    );
    if (item === undefined) throw notFound(kind.plural, kind.group, name);
    if (shape === "object") return sendBody(request, reply, format, 200, item);
    const body =
      shape === "Table"
        ? table(kind.kind, [item], context.nowMs(), { metadata: {}, include: includeOf(request) })
        : partialOf(item);
    return sendBody(request, reply, format, 200, body);
  };
  app.get(`${root}/${kind.plural}`, list);
  const collection = `${root}/namespaces/:namespace/${kind.plural}`;
  app.get(collection, list);
  app.get(`${collection}/:name`, get);
  for (const path of [`${root}/${kind.plural}`, collection, `${collection}/:name`])
    refuseOthers(app, path, ["GET"]);
};
