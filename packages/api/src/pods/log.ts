// pods/log: passed on to the worker that holds the Pod, as an API server asks a kubelet.
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import {
  ApiError,
  badRequest,
  errorStatus,
  type FieldErrors,
  forbiddenField,
  invalidField,
  invalidObject,
  notFound,
  serviceUnavailable,
  type WirePod,
} from "@gantry/core";
import type { StoredObject } from "@gantry/store";
import type { FastifyReply, FastifyRequest } from "fastify";
import { checkPathName, storeKey } from "../registry/object-key.ts";
import { pods } from "../registry/pods.ts";
import { flag, type Query, queryOf } from "../requests/query.ts";
import type { ApiContext } from "../server/context.ts";
import { workerSecret } from "../server/worker-secret.ts";

/** Where a worker serves the logs of its Pods, e.g. `http://127.0.0.1:41234`. */
export const LOGS_URL = "gantry.dev/logs-url";

/** A worker must begin to answer within this; a followed log may then be silent for ever. */
const ANSWER_MS = 15_000;
/** Of an error's body. */
const ERROR_MAX_BYTES = 65_536;

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

const names = (containers: readonly { name?: string | undefined }[] | undefined): string[] =>
  (containers ?? []).map(({ name }) => name ?? "");

/** The container asked for, or the only one. */
export const logContainer = (pod: WirePod, asked: string): string => {
  const name = pod.metadata?.name ?? "";
  const regular = names(pod.spec?.containers);
  const init = names(pod.spec?.initContainers);
  if (asked !== "") {
    if ([...regular, ...init].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const [only] = regular;
  if (only !== undefined && regular.length === 1 && init.length === 0) return only;
  const others = init.length === 0 ? "" : ` or one of the init containers: [${init.join(" ")}]`;
  throw badRequest(
    `a container name must be specified for pod ${name}, choose one of: [${regular.join(" ")}]${others}`,
  );
};

const unreachable = (node: string): ApiError =>
  serviceUnavailable(`the worker ${node}, which has the logs, can't be reached`);

const logsUrl = async (context: ApiContext, node: string): Promise<URL> => {
  const stored = await context.store.get("nodes", node);
  const object: StoredObject | undefined = stored?.value;
  const text = object?.metadata.annotations?.[LOGS_URL];
  if (text === undefined || !URL.canParse(text)) throw unreachable(node);
  return new URL(text);
};

const connect = async (
  context: ApiContext,
  url: URL,
  node: string,
): Promise<{ request: ClientRequest; answer: IncomingMessage }> => {
  const authorization = `Bearer ${await workerSecret(context.store)}`;
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const request = send(url, { headers: { authorization } });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.setTimeout(ANSWER_MS, () => request.destroy(new Error("timed out")));
    request.once("response", (message) => {
      request.setTimeout(0);
      resolve(message);
    });
    request.on("error", reject);
    request.end();
  });
  try {
    return { request, answer: await answer };
  } catch (error) {
    context.log.warn({ err: error, node }, "can't get logs from worker");
    throw unreachable(node);
  }
};

const workerError = async (answer: IncomingMessage): Promise<ApiError> => {
  let text = "";
  answer.setEncoding("utf8");
  for await (const part of answer) {
    text += String(part);
    if (text.length > ERROR_MAX_BYTES) break;
  }
  let message = "the worker could not give the logs";
  try {
    const body = JSON.parse(text) as { message?: unknown };
    if (typeof body.message === "string") message = body.message;
  } catch {
    // Not JSON: a proxy's page, of no use to the client.
  }
  const code = answer.statusCode ?? 500;
  const reasons = new Map([
    [400, "BadRequest"],
    [404, "NotFound"],
  ]);
  const reason = reasons.get(code);
  return reason === undefined
    ? new ApiError(errorStatus(500, "InternalError", message))
    : new ApiError(errorStatus(code, reason, message));
};

export const podLog =
  (context: ApiContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const { namespace = "", name = "" } = request.params as { namespace?: string; name?: string };
    const query = queryOf(request);
    const options = logOptions(query, checkPathName(name));
    const stored = await context.objects.get(pods, storeKey(pods, checkPathName(namespace), name));
    if (stored === null) throw notFound("pods", "", name);
    const pod = (await context.objects.render(pods, stored)) as WirePod;
    options.set("container", logContainer(pod, query.get("container") ?? ""));
    const node = pod.spec?.nodeName;
    if (node === undefined || node === "") {
      throw badRequest(`pod ${name} does not have a host assigned`);
    }
    const url = await logsUrl(context, node);
    url.pathname = `${url.pathname.replace(/\/$/, "")}/pods/${pod.metadata?.uid ?? ""}/log`;
    options.set("namespace", namespace);
    options.set("name", name);
    url.search = options.toString();
    const { request: upstream, answer } = await connect(context, url, node);
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
