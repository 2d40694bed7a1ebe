// pods/log: passed on to the worker that holds the Pod, as an API server asks a kubelet.
import type { ClientRequest, IncomingMessage } from "node:http";
import {
  badRequest,
  type FieldErrors,
  forbiddenField,
  invalidField,
  invalidObject,
} from "@gantry/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { flag, type Query, queryOf } from "../requests/query.ts";
import type { ApiContext } from "../server/context.ts";
import { askWorker, containerOf, podAt, workerError, workerOf } from "./worker-link.ts";

const whole = (
  query: Query,
  name: string,
  least: number,
  errors: FieldErrors,
): string | undefined => {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  }
  if (value < least) {
    const detail = `must be greater than ${least === 0 ? "or equal to 0" : "0"}`;
    errors.push(invalidField(name, value, detail));
  }
  return text;
};

/** PodLogOptions, checked as Kubernetes checks them. */
export const logOptions = (query: Query, pod: string): URLSearchParams => {
  const errors: FieldErrors = [];
  const options = new URLSearchParams();
  const set = (name: string, value: string | undefined): void => {
    if (value !== undefined) options.set(name, value);
  };
  set("tailLines", whole(query, "tailLines", 0, errors));
  set("limitBytes", whole(query, "limitBytes", 1, errors));
  set("sinceSeconds", whole(query, "sinceSeconds", 1, errors));
  const sinceTime = query.get("sinceTime") || undefined;
  if (sinceTime !== undefined && Number.isNaN(Date.parse(sinceTime))) {
    throw badRequest(`parsing time "${sinceTime}" as "2006-01-02T15:04:05Z07:00": cannot parse`);
  }
  set("sinceTime", sinceTime);
  if (sinceTime !== undefined && options.has("sinceSeconds")) {
    errors.push(
      forbiddenField("", "at most one of `sinceTime` or `sinceSeconds` may be specified"),
    );
  }
  if (errors.length > 0) throw invalidObject("PodLogOptions", "", pod, errors);
  for (const name of ["follow", "previous", "timestamps"]) {
    if (flag(query, name)) options.set(name, "true");
  }
  return options;
};

export const podLog =
  (context: ApiContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const { namespace = "", name = "" } = request.params as { namespace?: string; name?: string };
    const query = queryOf(request);
    const options = logOptions(query, name);
    const pod = await podAt(context, namespace, name);
    options.set("container", containerOf(pod, query.get("container") ?? ""));
    const worker = await workerOf(context, pod);
    worker.url.pathname += "/log";
    for (const [option, value] of options) worker.url.searchParams.set(option, value);
    const { request: upstream, answer } = await askWorker<IncomingMessage>(
      context,
      worker,
      {},
      (asked, settle) => asked.once("response", settle),
    );
    if (answer.statusCode !== 200) throw await workerError(answer);
    reply.hijack();
    await pass(context, upstream, answer, reply);
    return undefined;
  };

/** Streams until either side ends, or the server closes. */
const pass = (
  context: ApiContext,
  upstream: ClientRequest,
  answer: IncomingMessage,
  reply: FastifyReply,
): Promise<void> =>
  new Promise((resolve) => {
    const { raw } = reply;
    raw.writeHead(200, { "content-type": "text/plain", "cache-control": "no-cache, private" });
    raw.flushHeaders();
    const stop = (): void => {
      upstream.destroy();
      raw.end();
    };
    context.closing.addEventListener("abort", stop, { once: true });
    // A worker that dies leaves the client with what it has, cut off visibly.
    answer.once("error", () => raw.destroy());
    answer.once("aborted", () => raw.destroy());
    raw.once("close", () => {
      context.closing.removeEventListener("abort", stop);
      upstream.destroy();
      resolve();
    });
    answer.pipe(raw);
  });
