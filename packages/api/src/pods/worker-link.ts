// How the API reaches the worker that holds a Pod, as an API server reaches a kubelet.
import { type IncomingMessage, request as httpRequest, type ClientRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import {
  ApiError,
  badRequest,
  errorStatus,
  notFound,
  RUNTIMES_ANNOTATION,
  serviceUnavailable,
  type WirePod,
} from "@gantry/core";
import { leases, type StoredObject } from "@gantry/store";
import { checkPathName, storeKey } from "../registry/object-key.ts";
import { pods } from "../registry/pods.ts";
import type { ApiContext } from "../server/context.ts";
import { workerSecret } from "../server/worker-secret.ts";

/** Where a worker answers for its Pods, e.g. `http://127.0.0.1:41234`. */
export const LOGS_URL = "gantry.dev/logs-url";

/** A worker must begin to answer within this; what it then sends may be silent for ever. */
export const ANSWER_MS = 15_000;
/** Of an error's body. */
const ERROR_MAX_BYTES = 65_536;

const namesOf = (containers: readonly { name?: string | undefined }[] | undefined): string[] =>
  (containers ?? []).map(({ name }) => name ?? "");

/** The container asked for, or the only one. */
export const containerOf = (pod: WirePod, asked: string): string => {
  const name = pod.metadata?.name ?? "";
  const regular = namesOf(pod.spec?.containers);
  const all = [...namesOf(pod.spec?.initContainers), ...regular];
  if (asked !== "") {
    if (all.includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const [only] = regular;
  if (only !== undefined && regular.length === 1) return only;
  throw badRequest(
    `a container name must be specified for pod ${name}, choose one of: [${all.join(" ")}]`,
  );
};

/** 404 when there is none. */
export const podAt = async (
  context: ApiContext,
  namespace: string,
  name: string,
): Promise<WirePod> => {
  const key = storeKey(pods, checkPathName(namespace), checkPathName(name));
  const stored = await context.objects.get(pods, key);
  if (stored === null) throw notFound("pods", "", name);
  return (await context.objects.render(pods, stored)) as WirePod;
};

export interface PodWorker {
  readonly node: string;
  /** Of what the worker has of this Pod: `…/pods/UID`. */
  readonly url: URL;
}

const unreachable = (node: string): ApiError =>
  serviceUnavailable(`the worker ${node}, which has the pod, can't be reached`);

/** The runtime whose Pods do not live on a worker: each worker that has it can answer for them. */
const PORTABLE = "ecs";

/** The Pod's own worker, or one that answers in its place while it is away. */
const answering = async (context: ApiContext, pod: WirePod, node: string): Promise<string> => {
  const nowMs = context.nowMs();
  const live = (await leases(context.store)).filter(({ expiresAtMs }) => expiresAtMs > nowMs);
  if (live.some((lease) => lease.node === node)) return node;
  // The worker that claimed it knew its runtime, which need not be named.
  const { namespace = "", name = "" } = pod.metadata ?? {};
  const record = await context.store.get("pods", `${namespace}/${name}`);
  if (record?.value.portable !== true) return node;
  for (const lease of live) {
    const stored = await context.store.get("nodes", lease.node);
    const runtimes = stored?.value.metadata.annotations?.[RUNTIMES_ANNOTATION] ?? "";
    if (runtimes.split(",").includes(PORTABLE)) return lease.node;
  }
  return node;
};

export const workerOf = async (context: ApiContext, pod: WirePod): Promise<PodWorker> => {
  const { name = "", namespace = "", uid = "" } = pod.metadata ?? {};
  const claimed = pod.spec?.nodeName ?? "";
  if (claimed === "") throw badRequest(`pod ${name} does not have a host assigned`);
  const node = await answering(context, pod, claimed);
  const stored = await context.store.get("nodes", node);
  const object: StoredObject | undefined = stored?.value;
  const text = object?.metadata.annotations?.[LOGS_URL];
  if (text === undefined || !URL.canParse(text)) throw unreachable(node);
  const url = new URL(text);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/pods/${uid}`;
  url.search = new URLSearchParams({ namespace, name }).toString();
  return { node, url };
};

/** Sends a request to a worker; `answered` gets its answer by `settle`. 503 when none comes. */
export const askWorker = async <A>(
  context: ApiContext,
  { node, url }: PodWorker,
  headers: Readonly<Record<string, string>>,
  answered: (request: ClientRequest, settle: (answer: A) => void) => void,
): Promise<{ request: ClientRequest; answer: A }> => {
  const authorization = `Bearer ${await workerSecret(context.store)}`;
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const request = send(url, { headers: { ...headers, authorization } });
  try {
    const answer = await new Promise<A>((resolve, reject) => {
      request.setTimeout(ANSWER_MS, () => request.destroy(new Error("timed out")));
      answered(request, (value) => {
        request.setTimeout(0);
        resolve(value);
      });
      request.on("error", reject);
      request.end();
    });
    return { request, answer };
  } catch (error) {
    context.log.warn({ err: error, node }, "the worker does not answer");
    throw unreachable(node);
  }
};

/** What a worker says instead of what it was asked for. */
export const workerError = async (answer: IncomingMessage): Promise<ApiError> => {
  let text = "";
  answer.setEncoding("utf8");
  for await (const part of answer) {
    text += String(part);
    if (text.length > ERROR_MAX_BYTES) break;
  }
  let message = "the worker could not give the answer";
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
