// Lists, selectors, representations, watches.
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ApiUnderTest,
  CONFIG_MAPS,
  configMap,
  jobManifest,
  JOBS,
  podManifest,
  PODS,
  TOKEN,
  type WatchReader,
} from "./api-under-test.ts";

let api: ApiUnderTest;
const open: WatchReader[] = [];
const watch = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
  const reader = await api.watch(path, headers);
  open.push(reader);
  return reader;
};

beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  for (const reader of open) reader.close();
  await api.stop();
});

const names = (body: { items: { metadata: { name: string } }[] }): string[] =>
  body.items.map(({ metadata }) => metadata.name);

const TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };

describe("lists", () => {
  const space = "/api/v1/namespaces/lists/configmaps";
  const all = ["a-1", "a-2", "a-3", "b-1", "b-2", "kube-root-ca.crt"];
  beforeAll(async () => {
    await api.post("/api/v1/namespaces", { metadata: { name: "lists" } });
    for (const name of all.slice(0, 5)) {
      await api.post(
        space,
        configMap(name, {}, { labels: { group: name.slice(0, 1), n: name.slice(2) } }),
      );
    }
  });

  test.each([
    ["", all],
    ["labelSelector=group=a", ["a-1", "a-2", "a-3"]],
    ["labelSelector=group%21%3Da,group", ["b-1", "b-2"]],
    ["labelSelector=n in (2,3)", ["a-2", "a-3", "b-2"]],
    ["labelSelector=%21group", ["kube-root-ca.crt"]],
    ["fieldSelector=metadata.name=b-1", ["b-1"]],
    ["fieldSelector=metadata.name%21%3Db-1&labelSelector=group=b", ["b-2"]],
  ])("%s", async (query, expected) => {
    const { body } = await api.get(`${space}?${query}`);
    expect(names(body)).toEqual(expected);
    expect(body.metadata.resourceVersion).toMatch(/^[1-9]\d*$/);
  });

  test("pages are of one revision, whatever changes between them", async () => {
    const first = await api.get(`${space}?limit=2`);
    expect(first.body.metadata.remainingItemCount).toBe(4);
    await api.post(space, configMap("a-2b"));
    await api.send("DELETE", `${space}/b-2`);
    const found = names(first.body);
    let token: string | undefined = first.body.metadata.continue;
    while (token !== undefined) {
      const page = await api.get(`${space}?limit=2&continue=${token}`);
      expect(page.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
      found.push(...names(page.body));
      token = page.body.metadata.continue;
    }
    expect(found).toEqual(all);
  });

  test("a token that is kept no more is 410 with one to go on without it", async () => {
    const first = await api.get(`${space}?limit=2`);
    const token = JSON.parse(Buffer.from(first.body.metadata.continue, "base64url").toString());
    const lost = Buffer.from(JSON.stringify({ ...token, id: "lost" })).toString("base64url");
    const gone = await api.get(`${space}?limit=2&continue=${lost}`);
    expect([gone.status, gone.body.reason]).toEqual([410, "Expired"]);
    const rest = await api.get(`${space}?continue=${gone.body.metadata.continue}`);
    expect(names(rest.body)).toEqual(
      (await api.get(space).then(({ body }) => names(body))).slice(2),
    );
  });

  test("bad selectors, revisions and tokens are told apart", async () => {
    expect((await api.get(`${JOBS}?fieldSelector=status.phase=x`)).body.message).toBe(
      'field label "status.phase" not supported for Job',
    );
    expect((await api.get(`${JOBS}?labelSelector=a b`)).status).toBe(400);
    expect((await api.get(`${JOBS}?resourceVersion=999999999`)).status).toBe(504);
    expect((await api.get(`${JOBS}?continue=garbage`)).status).toBe(400);
    expect((await api.get(`${JOBS}?resourceVersionMatch=Exact`)).status).toBe(422);
  });

  test("Pods pinned to a Job: its own, and others that carry its label", async () => {
    await api.post(JOBS, jobManifest("pinned", { suspend: true }));
    await api.post(PODS, podManifest("pinned-x", { "job-name": "pinned" }));
    await api.post(PODS, podManifest("stranger", { "job-name": "pinned" }));
    await api.post(PODS, podManifest("pinned-other", { "job-name": "pinned-other" }));
    const { body } = await api.get(`${PODS}?labelSelector=job-name=pinned`);
    expect(names(body)).toEqual(["pinned-x", "stranger"]);
    const phase = await api.get(
      `${PODS}?labelSelector=job-name=pinned&fieldSelector=status.phase=Running`,
    );
    expect(names(phase.body)).toEqual([]);
  });
});

describe("representations", () => {
  test("Table, PartialObjectMetadata, YAML; 406 for others", async () => {
    await api.post(JOBS, jobManifest("shown", { suspend: true }));
    const table = await api.get(`${JOBS}/shown`, TABLE);
    expect(
      table.body.columnDefinitions.map(({ name }: { name: string }) => name).slice(0, 4),
    ).toEqual(["Name", "Status", "Completions", "Duration"]);
    expect(table.body.rows[0].cells.slice(0, 3)).toEqual(["shown", "Running", "0/1"]);
    const partial = await api.get(JOBS, {
      accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    });
    expect(partial.body.kind).toBe("PartialObjectMetadataList");
    expect(partial.body.items[0].spec).toBeUndefined();
    const yaml = await api.get(`${JOBS}/shown`, { accept: "application/yaml" });
    expect(yaml.text).toMatch(/^apiVersion: batch\/v1\nkind: Job\n/);
    expect(yaml.text).toMatch(/creationTimestamp: "\d{4}-/);
    expect((await api.get(`${JOBS}/shown`, { accept: "text/plain" })).status).toBe(406);
    const proto = await api.get(JOBS, {
      accept: "application/vnd.kubernetes.protobuf,application/json",
    });
    expect(proto.headers.get("content-type")).toBe("application/json");
    expect((await api.get(JOBS, { accept: "application/vnd.kubernetes.protobuf" })).status).toBe(
      406,
    );
  });
});

describe("watches", () => {
  test("from a list's revision: every change, in order, nothing else", async () => {
    const { body } = await api.get(CONFIG_MAPS);
    const rv = body.metadata.resourceVersion;
    await api.post(CONFIG_MAPS, configMap("w1"));
    const reader = await watch(`${CONFIG_MAPS}?watch=1&resourceVersion=${rv}`);
    await api.send("PATCH", `${CONFIG_MAPS}/w1`, { body: { data: { a: "1" } } });
    await api.send("DELETE", `${CONFIG_MAPS}/w1`);
    await api.post("/api/v1/namespaces/kube-public/configmaps", configMap("elsewhere"));
    await api.post(CONFIG_MAPS, configMap("w2"));
    expect(await reader.take(4)).toEqual(["ADDED w1", "MODIFIED w1", "DELETED w1", "ADDED w2"]);
  });

  test("without a revision: what there is first; the DELETED object has the revision of its deletion", async () => {
    await api.post(CONFIG_MAPS, configMap("w3"));
    const reader = await watch(`${CONFIG_MAPS}?watch=1&fieldSelector=metadata.name=w3`);
    const added = await reader.next();
    expect([added.type, added.object.metadata.name]).toEqual(["ADDED", "w3"]);
    await api.send("DELETE", `${CONFIG_MAPS}/w3`);
    const deleted = await reader.next();
    expect(deleted.type).toBe("DELETED");
    expect(Number(deleted.object.metadata.resourceVersion)).toBeGreaterThan(
      Number(added.object.metadata.resourceVersion),
    );
  });

  test("objects enter and leave a label selection", async () => {
    const { body } = await api.get(CONFIG_MAPS);
    const reader = await watch(
      `${CONFIG_MAPS}?watch=1&labelSelector=team=x&resourceVersion=${body.metadata.resourceVersion}`,
    );
    const label = (team: string | null) =>
      api.send("PATCH", `${CONFIG_MAPS}/moving`, { body: { metadata: { labels: { team } } } });
    await api.post(CONFIG_MAPS, configMap("moving"));
    await label("x");
    await api.send("PATCH", `${CONFIG_MAPS}/moving`, { body: { data: { a: "1" } } });
    await label("y");
    await label("x");
    await api.send("DELETE", `${CONFIG_MAPS}/moving`);
    expect(await reader.take(5)).toEqual([
      "ADDED moving",
      "MODIFIED moving",
      "DELETED moving",
      "ADDED moving",
      "DELETED moving",
    ]);
  });

  test("sendInitialEvents: the objects, then the bookmark that ends them (W2)", async () => {
    const query =
      "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const reader = await watch(`/api/v1/namespaces/kube-system/serviceaccounts?${query}`);
    expect(await reader.take(1)).toEqual(["ADDED default"]);
    const { type, object } = await reader.next();
    expect(type).toBe("BOOKMARK");
    expect(object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
    expect(object.metadata.resourceVersion).toMatch(/^\d+$/);
    const refused = await api.get(`${JOBS}?watch=1&sendInitialEvents=true`);
    expect(refused.status).toBe(422);
  });

  test("timeoutSeconds ends it cleanly, and no bookmark comes unasked (W3)", async () => {
    const { body } = await api.get(JOBS);
    const reader = await watch(
      `${JOBS}?watch=1&timeoutSeconds=1&resourceVersion=${body.metadata.resourceVersion}`,
    );
    expect(await reader.rest()).toEqual([]);
    expect(reader.ended).toBe(true);
  });

  test("a Table watch has columns in its first event only", async () => {
    const reader = await watch(`/api/v1/namespaces/default/serviceaccounts?watch=1`, TABLE);
    const first = await reader.next();
    expect(first.object.columnDefinitions.length).toBeGreaterThan(1);
    await api.post("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "second" } });
    const second = await reader.next();
    expect([second.type, second.object.columnDefinitions]).toEqual(["ADDED", null]);
    expect(second.object.rows[0].cells[0]).toBe("second");
  });

  test("a revision before the server's restart is answered with 410 Expired", async () => {
    await api.store.redis.hset(api.store.key("meta"), "revisionBase", "4");
    const reader = await watch(`${JOBS}?watch=1&resourceVersion=2`);
    expect(reader.status).toBe(200);
    const { type, object } = await reader.next();
    expect([type, object.code, object.reason]).toEqual(["ERROR", 410, "Expired"]);
    await api.store.redis.hdel(api.store.key("meta"), "revisionBase");
  });

  test("a client that does not read is let go, and others are not held up", async () => {
    const { body } = await api.get(CONFIG_MAPS);
    const path = `${CONFIG_MAPS}?watch=1&labelSelector=big&resourceVersion=${body.metadata.resourceVersion}`;
    const socket = connect(api.api.port, "127.0.0.1");
    await once(socket, "connect");
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`);
    const reader = await watch(path);
    const data = { a: "x".repeat(900_000) };
    for (let n = 0; n < 40; n++) {
      await api.post(CONFIG_MAPS, configMap(`big-${n}`, data, { labels: { big: "1" } }));
    }
    expect((await reader.take(40)).length).toBe(40);
    expect(api.logged.some((line) => line.includes("slow watcher"))).toBe(true);
    // What it was sent ends cleanly, so that it can resume after the last event.
    let text = "";
    socket.on("data", (part: Buffer) => {
      text = (text + part.toString("latin1")).slice(-64);
    });
    socket.resume();
    await expect.poll(() => text.endsWith("0\r\n\r\n"), { timeout: 10_000 }).toBe(true);
    socket.destroy();
  });

  test("a hundred watchers see the same thousand changes", async () => {
    const { body } = await api.get(CONFIG_MAPS);
    const path = `${CONFIG_MAPS}?watch=1&labelSelector=burst&resourceVersion=${body.metadata.resourceVersion}`;
    const readers = await Promise.all(Array.from({ length: 100 }, () => watch(path)));
    const labels = { burst: "1" };
    for (let round = 0; round < 20; round++) {
      await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          api.post(CONFIG_MAPS, configMap(`burst-${round}-${n}`, {}, { labels })),
        ),
      );
    }
    const seen = await Promise.all(readers.map((reader) => reader.take(1_000)));
    for (const one of seen) expect(one).toEqual(seen[0]);
    expect(new Set(seen[0]).size).toBe(1_000);
    for (const reader of readers) reader.close();
  });
});
