// Discovery: the recorded answers of a real API server, for the kinds that Gantry serves.
import fastify, { type FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { registerDiscovery } from "../src/discovery/register.ts";
import { groupVersions } from "../src/discovery/served.ts";
import { bodyOf, exchanges, recordingsMissing } from "./recordings.ts";

const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

let app: FastifyInstance;
beforeAll(async () => {
  app = fastify();
  registerDiscovery(app, {
    version: { version: "0.1.0" },
    revision: () => Promise.resolve("42"),
  });
  await app.ready();
});
afterAll(() => app.close());

const get = (url: string, accept = "*/*", headers: Record<string, string> = {}) =>
  app.inject({ url, headers: { accept, host: "127.0.0.1:6443", ...headers } });

interface Named {
  readonly name?: string;
  readonly resource?: string;
  readonly metadata?: { readonly name?: string };
  readonly verbs?: readonly string[];
  readonly subresource?: string;
  readonly subresources?: readonly Named[];
  readonly versions?: readonly {
    readonly version: string;
    readonly resources?: readonly Named[];
  }[];
}

/** Kinds that are read-only or empty here differ in their verbs on purpose. */
const withoutVerbs = (verbs: readonly string[], entry: Named): Named => ({ ...entry, verbs });

describe.skipIf(recordingsMissing !== undefined)(
  `as recorded${recordingsMissing === undefined ? "" : ` (skipped: ${recordingsMissing})`}`,
  () => {
    const recorded =
      recordingsMissing === undefined ? exchanges("exchanges-kubectl-1.32.jsonl") : [];
    const answer = (url: string, accept: string) => {
      const found = recorded.find(
        ({ request, response }) =>
          request.url.split("?")[0] === url &&
          request.accept?.startsWith(accept) === true &&
          response.status === 200,
      );
      if (found === undefined) throw new Error(`nothing recorded for ${url}`);
      return found;
    };

    it.each([
      ["/api/v1", "*/*"],
      ["/apis/batch/v1", "*/*"],
    ])("GET %s lists our resources as Kubernetes does", async (url, accept) => {
      const { resources: theirs, ...head } = bodyOf(answer(url, accept)) as { resources: Named[] };
      const { resources: ours, ...ourHead } = (await get(url)).json<{ resources: Named[] }>();
      expect(ourHead).toEqual(head);
      expect(ours.length).toBeGreaterThan(0);
      // They are read-only, or their workers make and remove them.
      const readOnly = ["endpoints", "persistentvolumeclaims", "persistentvolumes"];
      const different = new Set([...readOnly, "replicationcontrollers", "nodes"]);
      const comparable = ours.filter(({ name }) => !different.has(name ?? ""));
      const expected = theirs.filter(({ name }) => comparable.some((own) => own.name === name));
      expect(comparable).toEqual(expected);
    });

    it.each(["/api", "/apis"])("GET %s, aggregated", async (url) => {
      const theirs = bodyOf(answer(url, AGGREGATED)) as { items: Named[] };
      const response = await get(url, AGGREGATED);
      expect(response.headers["content-type"]).toBe(AGGREGATED);
      const ours = response.json<{ items: Named[] }>();
      expect({ ...ours, items: [] }).toEqual({ ...theirs, items: [] });
      const order = theirs.items.map(({ metadata }) => metadata?.name);
      const ourOrder = ours.items.map(({ metadata }) => metadata?.name);
      expect(ourOrder).toEqual(order.filter((name) => ourOrder.includes(name)));
      let compared = 0;
      for (const item of ours.items) {
        const their = theirs.items.find(({ metadata }) => metadata?.name === item.metadata?.name);
        for (const version of item.versions ?? []) {
          const theirVersion = their?.versions?.find((known) => known.version === version.version);
          for (const resource of version.resources ?? []) {
            const theirResource = theirVersion?.resources?.find(
              (known) => known.resource === resource.resource,
            );
            const served = new Set((resource.subresources ?? []).map((below) => below.subresource));
            const subresources = theirResource?.subresources?.filter((below) =>
              served.has(below.subresource),
            );
            const { subresources: _all, ...own } = theirResource ?? {};
            expect(resource).toEqual(
              withoutVerbs(resource.verbs ?? [], {
                ...own,
                ...(subresources === undefined || subresources.length === 0
                  ? {}
                  : { subresources }),
              }),
            );
            for (const verb of resource.verbs ?? []) expect(theirResource?.verbs).toContain(verb);
            compared += 1;
          }
        }
      }
      expect(compared).toBeGreaterThan(url === "/api" ? 6 : 8);
    });

    it("GET /apis", async () => {
      const theirs = bodyOf(answer("/apis", "*/*")) as { groups: Named[] };
      const ours = (await get("/apis")).json<{ groups: Named[] }>();
      const names = ours.groups.map(({ name }) => name);
      expect(names).toContain("batch");
      const expected = theirs.groups.filter(({ name }) => names.includes(name));
      expect(ours.groups.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
      expect(ours.groups.filter(({ name }) => name !== "autoscaling")).toEqual(
        expected.filter(({ name }) => name !== "autoscaling"),
      );
    });

    it("GET /api and /version have the recorded form", async () => {
      const theirs = bodyOf(answer("/api", "*/*")) as object;
      const ours = (await get("/api")).json<object>();
      expect(Object.keys(ours)).toEqual(Object.keys(theirs));
      expect(ours).toMatchObject({
        serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: "127.0.0.1:6443" }],
      });
      const version = (await get("/version")).json<Record<string, string>>();
      expect(Object.keys(version)).toEqual(Object.keys(bodyOf(answer("/version", "")) as object));
      expect(version["gitVersion"]).toMatch(/^v1\.36\.\d+\+gantry\.0\.1\.0$/);
    });
  },
);

describe("caching", () => {
  it.each(["/api", "/apis", "/apis/batch/v1"])(
    "%s is answered 304 to its own ETag",
    async (url) => {
      const first = await get(url, AGGREGATED + ",application/json");
      const etag = String(first.headers["etag"]);
      expect(etag).toMatch(/^"[0-9A-F]{128}"$/);
      const second = await get(url, AGGREGATED + ",application/json", { "if-none-match": etag });
      expect(second.statusCode).toBe(304);
      expect(second.body).toBe("");
      const other = await get(url, AGGREGATED + ",application/json", { "if-none-match": '"x"' });
      expect(other.statusCode).toBe(200);
    },
  );

  it("the two forms of a path have different tags", async () => {
    const plain = await get("/apis");
    const aggregated = await get("/apis", AGGREGATED);
    expect(plain.headers["etag"]).not.toBe(aggregated.headers["etag"]);
    expect(plain.headers["vary"]).toBe("Accept");
  });
});

describe("kinds that are always empty", () => {
  it("are listed as objects and as a Table", async () => {
    const objects = await get("/apis/apps/v1/namespaces/x/replicasets");
    expect(objects.json()).toEqual({
      kind: "ReplicaSetList",
      apiVersion: "apps/v1",
      metadata: { resourceVersion: "42" },
      items: [],
    });
    const rows = await get(
      "/apis/apps/v1/deployments",
      "application/json;as=Table;v=v1;g=meta.k8s.io",
    );
    expect(rows.json()).toMatchObject({ kind: "Table", rows: [] });
  });

  it("are not found by name", async () => {
    const server = fastify();
    server.setErrorHandler((error, _request, reply) =>
      reply.code((error as { code?: number }).code ?? 500).send(),
    );
    registerDiscovery(server, { version: { version: "0" }, revision: () => Promise.resolve("1") });
    const response = await server.inject("/api/v1/namespaces/x/replicationcontrollers/y");
    expect(response.statusCode).toBe(404);
    await server.close();
  });

  it("are watched: the initial-events bookmark, then silence until the timeout", async () => {
    const response = await get(
      "/apis/apps/v1/daemonsets?watch=true&sendInitialEvents=true&allowWatchBookmarks=true" +
        "&resourceVersionMatch=NotOlderThan&timeoutSeconds=1",
    );
    expect(JSON.parse(response.body)).toEqual({
      type: "BOOKMARK",
      object: {
        kind: "DaemonSet",
        apiVersion: "apps/v1",
        metadata: { resourceVersion: "42", annotations: { "k8s.io/initial-events-end": "true" } },
      },
    });
  });
});

it("every group and version answers its own list", async () => {
  for (const { groupVersion, group } of groupVersions) {
    const root = group === "" ? "/api/v1" : `/apis/${groupVersion}`;
    expect((await get(root)).json()).toMatchObject({ kind: "APIResourceList", groupVersion });
  }
});
