// Requests: typed errors, what is repeated and what never is.
import { ConnectionError, Gantry, GantryError } from "@gantry/sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeServer, job, json, list, status } from "./fake-server.ts";

let server: FakeServer;
let client: Gantry;
beforeEach(async () => {
  server = await new FakeServer().listen();
  client = server.client();
});
afterEach(async () => {
  client.close();
  await server.close();
});

const manifest = { metadata: { name: "pi" }, spec: {} };
/** Answers, in turn; `null` breaks the connection. */
const answers = (...all: (null | readonly [number, object])[]): void => {
  server.handler = (_, response) => {
    const answer = all.shift();
    if (answer === undefined) throw new Error("one request too many");
    if (answer === null) response.destroy();
    else json(response, answer[1], answer[0]);
  };
};

describe("submit", () => {
  test("posts the manifest with its kind, the token and the key", async () => {
    answers([201, job("pi", "1")]);
    await client.jobs.submit(manifest, { idempotencyKey: "k-1", namespace: "team" });
    const [seen] = server.seen;
    expect(seen).toMatchObject({ method: "POST", path: "/apis/batch/v1/namespaces/team/jobs" });
    expect(seen?.headers).toMatchObject({
      authorization: "Bearer secret",
      "idempotency-key": "k-1",
    });
    expect(JSON.parse(seen?.body ?? "")).toEqual({
      apiVersion: "batch/v1",
      kind: "Job",
      ...manifest,
    });
  });

  test("is repeated after a broken connection when it has a key", async () => {
    answers(null, [503, status(503, "ServiceUnavailable", "starting")], [200, job("pi", "1")]);
    await client.jobs.submit(manifest, { idempotencyKey: "k-1" });
    expect(server.seen.map((seen) => seen.headers["idempotency-key"])).toEqual([
      "k-1",
      "k-1",
      "k-1",
    ]);
  });

  test("is not repeated after a broken connection without a key: it may have been done", async () => {
    answers(null);
    await expect(client.jobs.submit(manifest)).rejects.toBeInstanceOf(ConnectionError);
    expect(server.seen).toHaveLength(1);
  });

  test("is repeated without a key when the server turned it away for load", async () => {
    answers([429, status(429, "TooManyRequests", "slow down")], [201, job("pi", "1")]);
    await client.jobs.submit(manifest);
    expect(server.seen).toHaveLength(2);
  });

  test.each([
    ["its Status", { "content-type": "application/json" }, 1],
    ["a header alone, as of a proxy", { "content-type": "text/plain", "retry-after": "1" }, 0],
  ])("waits as long as the server asks for, by %s", async (_, headers, inBody) => {
    const times: number[] = [];
    server.handler = (_request, response) => {
      times.push(performance.now());
      if (times.length > 1) return json(response, job("pi", "1"), 201);
      const details = { retryAfterSeconds: 1 };
      const body = inBody === 1 ? status(429, "TooManyRequests", "later", details) : "later";
      response.writeHead(429, headers).end(JSON.stringify(body));
    };
    await client.jobs.submit(manifest);
    expect(times).toHaveLength(2);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(990);
  });

  test("reports every broken rule with its field", async () => {
    const causes = [
      {
        reason: "FieldValueRequired",
        field: "spec.template.spec.restartPolicy",
        message: "Required value",
      },
    ];
    answers([422, status(422, "Invalid", 'Job.batch "pi" is invalid: ...', { causes })]);
    const error = await client.jobs.submit(manifest).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(GantryError);
    expect(error).toMatchObject({ code: 422, reason: "Invalid", causes });
  });

  test("passes on the server's warnings", async () => {
    server.handler = (_, response) => {
      response.setHeader("warning", ['299 - "one \\"quoted\\""', '299 - "two"']);
      json(response, job("pi", "1"), 201);
    };
    const { warnings } = await client.jobs.submitVerbose(manifest);
    expect(warnings).toEqual(['one "quoted"', "two"]);
  });
});

describe("get", () => {
  test("is repeated after broken connections", async () => {
    answers(null, null, [200, job("pi", "1")]);
    expect((await client.jobs.get("pi")).metadata.name).toBe("pi");
  });

  test("gives up after the policy's tries", async () => {
    answers(null, null, null, null);
    await expect(client.jobs.get("pi")).rejects.toBeInstanceOf(ConnectionError);
    expect(server.seen).toHaveLength(4);
  });

  test("is not repeated after a definite answer, and names what is wrong", async () => {
    answers([404, status(404, "NotFound", 'jobs.batch "pi" not found')]);
    await expect(client.jobs.get("pi")).rejects.toThrow('jobs.batch "pi" not found');
    expect(server.seen).toHaveLength(1);
  });

  test("quotes an answer that is no Status", async () => {
    server.handler = (_, response) => void response.writeHead(400).end("<html>Bad Gateway</html>");
    await expect(client.jobs.get("pi")).rejects.toThrow("Bad Gateway");
  });

  test("says that nobody is there", async () => {
    const gone = new Gantry({
      url: "http://127.0.0.1:1",
      retry: { attempts: 1, firstDelayMs: 1, maxDelayMs: 1 },
    });
    const error = await gone.jobs.get("pi").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: "ConnectionError",
      unsent: true,
      errorCode: "ECONNREFUSED",
    });
  });
});

describe("delete", () => {
  test("sends the propagation and the uid, and is repeated only with a uid", async () => {
    answers(null, [200, {}], null);
    await client.jobs.delete("pi", { uid: "uid-pi", propagation: "Foreground" });
    expect(JSON.parse(server.seen[1]?.body ?? "")).toMatchObject({
      propagationPolicy: "Foreground",
      preconditions: { uid: "uid-pi" },
    });
    await expect(client.jobs.delete("pi")).rejects.toBeInstanceOf(ConnectionError);
    expect(server.seen).toHaveLength(3);
  });
});

describe("list", () => {
  test("follows the pages", async () => {
    server.handler = ({ query }, response) => {
      const second = query.get("continue") === "next";
      const metadata = second
        ? { resourceVersion: "9" }
        : { resourceVersion: "9", continue: "next" };
      json(response, { ...list("9", [job(second ? "b" : "a", "1")]), metadata });
    };
    const { items, resourceVersion } = await client.jobs.list({ labelSelector: "app=pi" });
    expect(items.map((item) => item.metadata.name)).toEqual(["a", "b"]);
    expect(resourceVersion).toBe("9");
    expect(server.seen[0]?.query.get("labelSelector")).toBe("app=pi");
  });

  test("begins again without pages when their point in time was forgotten", async () => {
    server.handler = ({ query }, response) => {
      if (query.get("continue") !== null)
        return json(response, status(410, "Expired", "too old"), 410);
      const paged = query.get("limit") !== null;
      const metadata = paged
        ? { resourceVersion: "9", continue: "next" }
        : { resourceVersion: "12" };
      json(response, {
        ...list("9", paged ? [job("a", "1")] : [job("a", "1"), job("b", "2")]),
        metadata,
      });
    };
    const { items, resourceVersion } = await client.jobs.list();
    expect(items).toHaveLength(2);
    expect(resourceVersion).toBe("12");
  });
});

describe("time", () => {
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  test("an idle connection's limit does not cut off a slow answer or a silent stream", async () => {
    server.handler = (seen, response) => {
      if (seen.path.endsWith("/log")) response.writeHead(200).flushHeaders();
      void pause(5_000).then(() =>
        seen.path.endsWith("/log") ? response.end("late\n") : json(response, job("pi", "1")),
      );
    };
    const slow = client.jobs.get("pi");
    const lines: string[] = [];
    for await (const line of client.pods.logs("p", { follow: true, tailLines: 1 }))
      lines.push(line);
    expect(lines).toEqual(["late"]);
    expect((await slow).metadata.name).toBe("pi");
    expect(server.seen).toHaveLength(2);
  });

  test("an answer that does not come in time is given up", async () => {
    server.handler = () => undefined;
    const hasty = server.client({
      timeoutMs: 20,
      retry: { attempts: 1, firstDelayMs: 1, maxDelayMs: 1 },
    });
    await expect(hasty.jobs.get("pi")).rejects.toThrow("no answer within 20 ms");
    hasty.close();
  });
});
