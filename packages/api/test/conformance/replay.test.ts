// Sends each recorded request to Gantry and compares the answer with that of a real API server.
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { type RunningApi, startApi } from "../../src/index.ts";
import { type Exchange, exchanges, recordingsMissing } from "../recordings.ts";
import { differencesOfKubectl, differencesOfProtobuf } from "./known-differences.ts";
import { mediaType, normalise } from "./normalise.ts";

const TOKEN = "replay-token";
let redis: TestRedis;
let api: RunningApi;

/** Recorded uids, names and versions, and ours for the same object. */
const ours = new Map<string, string>();

const isWatch = ({ request }: Exchange): boolean => /[?&]watch=(1|true)/.test(request.url);

/** Descriptions have tests of their own, as has what needs a body that was not recorded as text. */
const isReplayed = (exchange: Exchange): boolean => {
  const { method, url, contentType, body, bodyBase64 } = exchange.request;
  if (/^\/(openapi|version|api$|api\?|apis$|apis\?|api\/v1$|apis\/batch\/v1$)/.test(url))
    return false;
  if (isWatch(exchange)) return false;
  const writes = method === "POST" || method === "PUT" || method === "PATCH";
  return !(writes && contentType !== undefined && body === undefined && bodyBase64 === undefined);
};

const translate = (text: string): string => {
  let result = text;
  for (const [recorded, own] of ours) result = result.replaceAll(recorded, own);
  return result;
};

const bodyText = (body: unknown): string | undefined =>
  body === undefined || body === null
    ? undefined
    : typeof body === "string"
      ? body
      : JSON.stringify(body);

const learn = (recorded: unknown, answered: unknown): void => {
  const meta = (value: unknown): Record<string, unknown> =>
    ((value as { metadata?: Record<string, unknown> } | null)?.metadata ?? {}) as Record<
      string,
      unknown
    >;
  const [a, b] = [meta(recorded), meta(answered)];
  if (typeof a["uid"] === "string" && typeof b["uid"] === "string") ours.set(a["uid"], b["uid"]);
  // Tokens are opaque: each server's own.
  if (typeof a["continue"] === "string" && typeof b["continue"] === "string") {
    ours.set(a["continue"], b["continue"]);
  }
  const [theirs, own] = [a["resourceVersion"], b["resourceVersion"]];
  if (typeof theirs !== "string" || typeof own !== "string") return;
  for (const before of ['"resourceVersion":', '"path":"/metadata/resourceVersion","value":']) {
    ours.set(`${before}"${theirs}"`, `${before}"${own}"`);
  }
};

const PROTOBUF = "application/vnd.kubernetes.protobuf";

const parse = (text: string | undefined, type: string): unknown => {
  if (text === undefined) return undefined;
  if (type === "application/json") return JSON.parse(text) as unknown;
  return type === "application/yaml" ? (parseYaml(text) as unknown) : text;
};

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly warnings: string;
  readonly body: unknown;
}

const send = async (exchange: Exchange): Promise<Answer> => {
  const { method, url, accept, contentType, body, bodyBase64 } = exchange.request;
  const payload = bodyBase64 === undefined ? bodyText(body) : Buffer.from(bodyBase64, "base64");
  const response = await fetch(`http://127.0.0.1:${api.port}${translate(url)}`, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      accept: accept ?? "*/*",
      ...(contentType === undefined ? {} : { "content-type": contentType }),
    },
    ...(payload === undefined
      ? {}
      : { body: typeof payload === "string" ? translate(payload) : payload }),
  });
  const type = mediaType(response.headers.get("content-type"));
  return {
    status: response.status,
    type,
    warnings: response.headers.get("warning") ?? "",
    body: parse(await response.text(), type),
  };
};

const recordedAnswer = (exchange: Exchange & { response: { warning?: string } }): Answer => {
  const { status, contentType, body, warning } = exchange.response;
  const type = mediaType(contentType);
  return { status, type, warnings: warning ?? "", body: parse(bodyText(body), type) };
};

const comparable = (answer: Answer): object => ({ ...answer, body: normalise(answer.body) });

const skipped = recordingsMissing === undefined ? "" : ` (skipped: ${recordingsMissing})`;

describe.skipIf(recordingsMissing !== undefined).each([
  ["exchanges-kubectl-1.32.jsonl", differencesOfKubectl],
  ["exchanges-protobuf.jsonl", differencesOfProtobuf],
] as const)(`answers as recorded in %s${skipped}`, (file, knownDifferences) => {
  beforeAll(async () => {
    ours.clear();
    redis = await startRedis();
    api = await startApi({
      redis: { url: redis.url },
      listen: { host: "127.0.0.1", port: 0 },
      tls: null,
      token: TOKEN,
      ops: null,
      log: pino({ level: "silent" }),
      version: "0.0.0",
      defaultRuntime: "process",
    });
  });
  afterAll(async () => {
    await api.close();
    await redis.stop();
  });

  const all = recordingsMissing === undefined ? exchanges(file).filter(isReplayed) : [];
  const different = new Set<number>();

  test.each(all.map((exchange) => [exchange.n, exchange.label, exchange] as const))(
    "%i %s",
    async (n, _label, exchange) => {
      const answer = await send(exchange);
      const recorded = recordedAnswer(exchange);
      learn(recorded.body, answer.body);
      if (knownDifferences.has(n)) {
        different.add(n);
        expect(answer.status).toBeLessThan(500);
        return;
      }
      if (recorded.type === PROTOBUF) {
        // Gantry reads protobuf and answers JSON, which all who ask for protobuf accept too.
        expect({ status: answer.status, type: answer.type }).toEqual({
          status: recorded.status,
          type: "application/json",
        });
        return;
      }
      expect(comparable(answer)).toEqual(comparable(recorded));
    },
  );

  test("every known difference was met", () => {
    expect([...knownDifferences.keys()].filter((n) => !different.has(n))).toEqual([]);
  });
});
