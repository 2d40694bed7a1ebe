// One place where whatever goes wrong becomes a Status.
import {
  ApiError,
  badRequest,
  errorStatus,
  internal,
  noSuchResource,
  tooLarge,
} from "@gantry/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { BODY_MAX_BYTES } from "../requests/body.ts";
import { sendBody } from "../responses/send.ts";
import { pathOf } from "./auth.ts";

const RETRY_AFTER_SECONDS = 1;

/** What the client library and a server that can't write say; the first words of it. */
const GONE = [
  "Connection is closed",
  "Command timed out",
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EPIPE",
  "Stream isn't writeable",
  "LOADING",
  "READONLY",
  "MASTERDOWN",
  "UNBLOCKED",
  // A write would not be safe, or has no room: min-replicas-to-write, a failing disk, maxmemory.
  "NOREPLICAS",
  "MISCONF",
  "OOM command",
  // A Cluster or Sentinels without a primary.
  "CLUSTERDOWN",
  "TRYAGAIN",
  "Too many Cluster redirections",
  "Failed to refresh slots cache",
  "None of startup nodes is available",
  "All sentinels are unreachable",
];

const gone = new RegExp(GONE.join("|"));

const isRedisGone = (error: Error): boolean =>
  error.name === "MaxRetriesPerRequestError" || gone.test(error.message);

const unavailable = (): ApiError =>
  new ApiError(
    errorStatus(503, "ServiceUnavailable", "the store is not available: try again", {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    }),
  );

/** An error of Fastify's own (FST_ERR_...), in the API's words. */
const fromFastify = (
  error: Error & { code?: unknown; statusCode?: unknown },
): ApiError | undefined => {
  if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE") return tooLarge(BODY_MAX_BYTES);
  const status = error.statusCode;
  if (typeof status === "number" && status >= 400 && status < 500) return badRequest(error.message);
  return undefined;
};

export const toApiError = (error: unknown): ApiError | undefined => {
  if (error instanceof ApiError) return error;
  if (!(error instanceof Error)) return undefined;
  return isRedisGone(error) ? unavailable() : fromFastify(error);
};

export const handleError = (
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  let known = toApiError(error);
  if (known === undefined) {
    request.log.error({ err: error }, "request failed");
    // Nothing of our insides goes out: the log has it.
    known = internal(`see the server's log, request ${request.id}`);
  }
  const after = known.status.details?.retryAfterSeconds;
  if (after !== undefined) reply.header("retry-after", String(after));
  return sendBody(request, reply, "json", known.code, known.status);
};

/** Group versions of which something is served: an unknown resource there is a Status. */
export const handleNotFound =
  (groupVersions: readonly string[]) =>
  (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = pathOf(request);
    if (groupVersions.some((prefix) => path.startsWith(`${prefix}/`))) {
      return handleError(noSuchResource(), request, reply);
    }
    return reply
      .code(404)
      .header("content-type", "text/plain; charset=utf-8")
      .send("404 page not found\n");
  };
