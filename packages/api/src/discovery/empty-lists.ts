// Read-only answers for kinds that Gantry knows but never has: empty lists, 404s, and watches that stay silent.
import { notFound } from "@gantry/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { refuseOthers } from "../server/refusals.ts";
import { negotiate } from "../requests/negotiate.ts";
import { type ListOptions, listOptions, queryOf } from "../requests/query.ts";
import { emptyResources, type ServedResource } from "./served.ts";

export interface EmptyListOptions {
  /** The store's present resourceVersion. */
  readonly revision: () => Promise<string>;
  /** Ends watches when the server closes. */
  readonly closing?: AbortSignal | undefined;
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
  reply: FastifyReply,
  resource: ServedResource,
  options: ListOptions,
  rv: string,
  closing: AbortSignal | undefined,
): void {
  const asked = options.timeoutSeconds ?? WATCH_SECONDS;
  const seconds = asked > 0 && asked <= WATCH_SECONDS_MAX ? asked : WATCH_SECONDS;
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
  raw.flushHeaders();
  if (options.sendInitialEvents && options.allowWatchBookmarks) {
    const { group, version, kind } = resource;
    const annotations = { "k8s.io/initial-events-end": "true" };
    const object = {
      kind,
      apiVersion: group === "" ? version : `${group}/${version}`,
      metadata: { resourceVersion: rv, annotations },
    };
    raw.write(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
  }
  const end = (): void => {
    raw.end();
  };
  const timer = setTimeout(end, seconds * 1000);
  timer.unref();
  closing?.addEventListener("abort", end, { once: true });
  raw.once("close", () => {
    clearTimeout(timer);
    closing?.removeEventListener("abort", end);
  });
}

export function registerEmptyLists(app: FastifyInstance, options: EmptyListOptions): void {
  for (const resource of emptyResources) {
    const root =
      resource.group === ""
        ? `/api/${resource.version}`
        : `/apis/${resource.group}/${resource.version}`;
    const list = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
      const asked = listOptions(queryOf(request));
      const { watch } = asked;
      const { shape } = negotiate(request.headers.accept, { list: true, watch });
      const rv = await options.revision();
      if (watch) {
        silentWatch(reply, resource, asked, rv, options.closing);
        return reply;
      }
      return reply.type("application/json").send(JSON.stringify(emptyList(resource, shape, rv)));
    };
    const collection = resource.namespaced
      ? `${root}/namespaces/:namespace/${resource.plural}`
      : `${root}/${resource.plural}`;
    if (resource.namespaced) app.get(`${root}/${resource.plural}`, list);
    app.get(collection, list);
    app.get(`${collection}/:name`, (request) => {
      const { name } = request.params as { name: string };
      negotiate(request.headers.accept, { list: false });
      throw notFound(resource.plural, resource.group, name);
    });
    const all = `${root}/${resource.plural}`;
    for (const path of new Set([all, collection, `${collection}/:name`]))
      refuseOthers(app, path, ["GET"]);
  }
}
