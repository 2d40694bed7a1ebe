// Keys of Secrets that do not fit what is stored: the API does not start, or goes on without single ones.
import { Writable } from "node:stream";
import { SecretBox } from "@gantry/store";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type RunningApi, startApi } from "../src/index.ts";

const TOKEN = "the-token";
const SECRETS = "/api/v1/namespaces/default/secrets";

interface Secret {
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
  readonly data?: Record<string, string>;
}

describe("the key of the Secrets", () => {
  const [first, second] = [SecretBox.newKey(), SecretBox.newKey()];
  const [firstId] = SecretBox.parse(first).keyIds;
  const [secondId] = SecretBox.parse(second).keyIds;
  let redis: TestRedis;
  let api: RunningApi | undefined;
  let logged: string[];

  const start = async (keys: string | null): Promise<void> => {
    logged = [];
    const sink = new Writable({
      write(chunk, _encoding, done) {
        logged.push(String(chunk));
        done();
      },
    });
    api = await startApi({
      redis: { url: redis.url },
      listen: { host: "127.0.0.1", port: 0 },
      tls: null,
      token: TOKEN,
      ops: null,
      log: pino({ level: "info" }, sink),
      version: "0.0.0",
      defaultRuntime: "process",
      ...(keys === null ? {} : { secrets: SecretBox.parse(keys) }),
    });
  };
  const send = async (
    method: string,
    path: string,
    body?: object,
    accept = "application/json",
  ): Promise<{ status: number; text: string }> => {
    const response = await fetch(`http://127.0.0.1:${api?.port}${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", accept },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  };
  const create = (name: string) =>
    send("POST", SECRETS, { metadata: { name, annotations: { a: "b" } }, data: { k: "dg==" } });
  const list = async (): Promise<Secret[]> =>
    (JSON.parse((await send("GET", SECRETS)).text) as { items: Secret[] }).items;

  beforeAll(async () => {
    redis = await startRedis({ appendOnly: false });
    await start(first);
    for (const name of ["one", "two"]) expect((await create(name)).status).toBe(201);
  });
  afterEach(async () => {
    await api?.close();
    api = undefined;
  });
  afterAll(() => redis.stop());

  test("another key, or none, is refused at the start, with what to do", async () => {
    const told = `encrypted under key "${firstId}"`;
    await expect(start(second)).rejects.toThrow(`${told}, and the key file has only "${secondId}"`);
    await expect(start(null)).rejects.toThrow(`${told}, and there is no key file`);
    await expect(start(second)).rejects.toThrow(`add the line "lost ${firstId}"`);
  });

  test("beside other keys the right one is enough", async () => {
    await start(`${second}\n${first}`);
    expect((await list()).map(({ data }) => data)).toEqual([{ k: "dg==" }, { k: "dg==" }]);
  });

  test("Secrets under a lost key are listed without data and harm no other", async () => {
    await start(`lost ${firstId}\n${second}`);
    expect((await create("three")).status).toBe(201);
    const why = { "gantry.dev/unreadable": `it is encrypted under key ${firstId}` };
    expect(
      (await list()).map(({ metadata, data }) => [metadata.name, metadata.annotations, data]),
    ).toEqual([
      ["one", why, undefined],
      ["three", { a: "b" }, { k: "dg==" }],
      ["two", why, undefined],
    ]);
    const table = await send(
      "GET",
      SECRETS,
      undefined,
      "application/json;as=Table;g=meta.k8s.io;v=v1",
    );
    expect(table.status).toBe(200);
    const watch =
      "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1";
    const events = (await send("GET", `${SECRETS}${watch}&allowWatchBookmarks=true`)).text;
    expect(events.match(/"type":"ADDED"/g)).toHaveLength(3);

    // What needs it whole says why not; nothing is written over it.
    const unread = await send("GET", `${SECRETS}/one`);
    expect([unread.status, unread.text.includes("delete it and create it again")]).toEqual([
      500,
      true,
    ]);
    const replaced = await send("PUT", `${SECRETS}/one`, { metadata: { name: "one" }, data: {} });
    expect(replaced.status).toBe(500);

    expect((await send("DELETE", `${SECRETS}/one`)).status).toBe(200);
    expect((await create("one")).status).toBe(201);
    expect((await send("GET", `${SECRETS}/one`)).status).toBe(200);

    await list();
    expect(logged.filter((line) => line.includes("can't be read")).length).toBe(2);
    const metrics = (await send("GET", "/metrics")).text;
    const [, reads] = /^gantry_api_unreadable_secrets_total (\d+)$/m.exec(metrics) ?? [];
    expect(Number(reads)).toBeGreaterThan(2);
  });

  test("a key that opens some of them is enough to start", async () => {
    await start(second);
    expect((await list()).filter(({ data }) => data !== undefined)).toHaveLength(2);
  });
});
