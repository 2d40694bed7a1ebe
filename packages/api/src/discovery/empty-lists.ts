// Read-only answers for kinds that Gantry knows but never has: empty lists, 404s, and watches that stay silent.
import { notFound } from "@gantry/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { negotiate } from "../requests/negotiate.ts";
import { emptyResources, type ServedResource } from "./served.ts";

export interface EmptyListOptions {
  /** The store's present resourceVersion. */
  readonly revision: () => Promise<string>;
}

interface ListQuery {
  readonly watch?: string;
  readonly timeoutSeconds?: string;
  readonly sendInitialEvents?: string;
  readonly allowWatchBookmarks?: string;
}

/** Kubernetes picks 30 to 60 minutes for a watch that names no end. */
const WATCH_SECONDS = 1_800;
const WATCH_SECONDS_MAX = 3_600;

const nameColumn = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name of the object",
  priority: 0,
};

function emptyList(resource: ServedResource, shape: string, rv: string): object {
  const metadata = { resourceVersion: rv };
  if (shape === "Table") {
    const columnDefinitions = [nameColumn];
    return { kind: "Table", apiVersion: "meta.k8s.io/v1", metadata, columnDefinitions, rows: [] };
  }
  if (shape === "PartialObjectMetadata") {
    const kind = "PartialObjectMetadataList";
    return { kind, apiVersion: "meta.k8s.io/v1", metadata, items: [] };
  }
  const { group, version, kind } = resource;
  const apiVersion = group === "" ? version : `${group}/${version}`;
  return { kind: `${kind}List`, apiVersion, metadata, items: [] };
}

function silentWatch(
  request: FastifyRequest,
  reply: FastifyReply,
  resource: ServedResource,
  rv: string,
): void {
  const query = request.query as ListQuery;
  const asked = Number(query.timeoutSeconds ?? WATCH_SECONDS);
  const seconds = asked > 0 && asked <= WATCH_SECONDS_MAX ? asked : WATCH_SECONDS;
  reply.hijack();
  reply.raw.writeHead(200, {
    "content-type": "application/json",
    "cache-control": "no-cache, private",
  });
  reply.raw.flushHeaders();
  if (query.sendInitialEvents === "true" && query.allowWatchBookmarks === "true") {
    const { group, version, kind } = resource;
    const annotations = { "k8s.io/initial-events-end": "true" };
    const object = {
      kind,
      apiVersion: group === "" ? version : `${group}/${version}`,
      metadata: { resourceVersion: rv, annotations },
    };
    reply.raw.write(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
  }
  const timer = setTimeout(() => reply.raw.end(), seconds * 1000);
  timer.unref();
  reply.raw.once("close", () => clearTimeout(timer));
}

export function registerEmptyLists(app: FastifyInstance, options: EmptyListOptions): void {
  for (const resource of emptyResources) {
    const root =
      resource.group === ""
        ? `/api/${resource.version}`
        : `/apis/${resource.group}/${resource.version}`;
    const list = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
      const query = request.query as ListQuery;
      const watch = query.watch === "true" || query.watch === "1";
      const { shape } = negotiate(request.headers.accept, { list: true, watch });
      const rv = await options.revision();
      if (watch) {
        silentWatch(request, reply, resource, rv);
        return reply;
      }
      return reply.type("application/json").send(JSON.stringify(emptyList(resource, shape, rv)));
    };
    app.get(`${root}/${resource.plural}`, list);
    app.get(`${root}/namespaces/:namespace/${resource.plural}`, list);
    app.get(`${root}/namespaces/:namespace/${resource.plural}/:name`, (request) => {
      const { name } = request.params as { name: string };
      throw notFound(resource.plural, resource.group, name);
    });
  }
}
