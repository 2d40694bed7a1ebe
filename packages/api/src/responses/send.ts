// Answers: objects, lists and Status in the representation that was negotiated, and Warning headers.
import { badRequest, type IncludeObject, renderListItem, table } from "@gantry/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { stringify } from "yaml";
import { negotiate, type Representation } from "../requests/negotiate.ts";
import { queryOf } from "../requests/query.ts";
import type { ApiObject, Strategy } from "../registry/strategy.ts";
import type { Listed } from "../verbs/list.ts";

const contentTypes = { json: "application/json", yaml: "application/yaml" } as const;

/** As Go writes it: sorted, and safe for those who read YAML 1.1. */
const YAML_STYLE = {
  sortMapEntries: true,
  aliasDuplicateObjects: false,
  lineWidth: 0,
  compat: "yaml-1.1",
} as const;

/** People get indented JSON, as Kubernetes gives it to the clients that people use. */
const isPretty = (request: FastifyRequest): boolean => {
  const pretty = queryOf(request).get("pretty");
  if (pretty !== null) return pretty !== "false" && pretty !== "0";
  return /^(curl|Wget|Mozilla\/5\.0)/.test(request.headers["user-agent"] ?? "");
};

export const sendBody = (
  request: FastifyRequest,
  reply: FastifyReply,
  format: Representation["format"],
  code: number,
  body: unknown,
): FastifyReply => {
  const text =
    format === "yaml"
      ? stringify(body, YAML_STYLE)
      : isPretty(request)
        ? `${JSON.stringify(body, null, 2)}\n`
        : `${JSON.stringify(body)}\n`;
  return (
    reply
      .code(code)
      .header("content-type", contentTypes[format])
      .header("cache-control", "no-cache, private")
      // As bytes: Node writes a text together with the headers, as UTF-8, and so would encode warnings
      // twice; and Fastify would add a charset that Kubernetes does not name.
      .send(Buffer.from(text, "utf8"))
  );
};

const includes: ReadonlyMap<string, IncludeObject> = new Map([
  ["", "Metadata"],
  ["Metadata", "Metadata"],
  ["None", "None"],
  ["Object", "Object"],
]);

export const includeOf = (request: FastifyRequest): IncludeObject => {
  const value = queryOf(request).get("includeObject") ?? "";
  const include = includes.get(value);
  if (include === undefined) {
    throw badRequest(`unrecognized includeObject value: "${value}"`);
  }
  return include;
};

/** Before anything is written: the answer can be given in the form asked for. Throws 406 and 400. */
export const assertAnswerable = (request: FastifyRequest, list: boolean): void => {
  const { shape } = negotiate(request.headers.accept, { list });
  if (shape === "Table") includeOf(request);
};

export const partialOf = (object: ApiObject): object => ({
  kind: "PartialObjectMetadata",
  apiVersion: "meta.k8s.io/v1",
  metadata: object.metadata ?? {},
});

/** One object. A Table or PartialObjectMetadata where the client asked for it. */
export const sendObject = (
  request: FastifyRequest,
  reply: FastifyReply,
  strategy: Strategy,
  code: number,
  object: ApiObject,
  nowMs: number,
): FastifyReply => {
  const { format, shape } = negotiate(request.headers.accept, { list: false });
  let body: unknown = object;
  if (shape === "Table") {
    const resourceVersion = object.metadata?.resourceVersion;
    body = table(strategy.kind, [object], nowMs, {
      metadata: resourceVersion === undefined ? {} : { resourceVersion },
      include: includeOf(request),
    });
  } else if (shape === "PartialObjectMetadata") body = partialOf(object);
  return sendBody(request, reply, format, code, body);
};

export const sendList = (
  request: FastifyRequest,
  reply: FastifyReply,
  strategy: Pick<Strategy, "kind" | "apiVersion">,
  listed: Listed,
  nowMs: number,
): FastifyReply => {
  const { format, shape } = negotiate(request.headers.accept, { list: true });
  const metadata = {
    resourceVersion: listed.rv,
    ...(listed.continueToken === undefined ? {} : { continue: listed.continueToken }),
    ...(listed.remaining === undefined ? {} : { remainingItemCount: listed.remaining }),
  };
  if (shape === "Table") {
    const include = includeOf(request);
    return sendBody(
      request,
      reply,
      format,
      200,
      table(strategy.kind, listed.items, nowMs, { metadata, include }),
    );
  }
  if (shape === "PartialObjectMetadata") {
    return sendBody(request, reply, format, 200, {
      kind: "PartialObjectMetadataList",
      apiVersion: "meta.k8s.io/v1",
      metadata,
      items: listed.items.map(partialOf),
    });
  }
  return sendBody(request, reply, format, 200, {
    kind: `${strategy.kind}List`,
    apiVersion: strategy.apiVersion,
    metadata,
    items: listed.items.map(renderListItem),
  });
};

/** Kubernetes' bounds on the text of all warnings, and of each when they are too much together. */
const WARNINGS_MAX = 4_096;
const WARNING_MAX = 256;

/** Headers are bytes: UTF-8 is written as Latin-1, without what would end a header. */
const headerText = (text: string): string =>
  Buffer.from(text.replace(/\p{Cc}/gu, " "), "utf8").toString("latin1");

const given = new WeakMap<FastifyReply, readonly string[]>();

export const addWarnings = (reply: FastifyReply, warnings: readonly string[]): void => {
  if (warnings.length === 0) return;
  // A request may warn at several stages; what it was told stands even when it fails in the end.
  const told = given.get(reply) ?? [];
  const unique = [...new Set([...told, ...warnings])];
  given.set(reply, unique);
  const tooMuch = unique.reduce((sum, text) => sum + text.length, 0) > WARNINGS_MAX;
  const headers: string[] = [];
  let total = 0;
  for (const text of unique) {
    const shown = tooMuch ? text.slice(0, WARNING_MAX) : text;
    total += shown.length;
    if (total > WARNINGS_MAX) break;
    headers.push(`299 - "${headerText(shown).replace(/["\\]/g, "\\$&")}"`);
  }
  reply.header("warning", headers);
};
