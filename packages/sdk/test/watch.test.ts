// Watches, waits and logs across broken connections and forgotten versions.
import type http from "node:http";
import { type Gantry, GantryError, WaitError } from "@gantry/sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeServer, type Handler, job, json, list, status } from "./fake-server.ts";

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

const event = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

/** Lists and watches answered in turn; a watch is given the open response. */
function script(lists: object[], watches: ((response: http.ServerResponse) => void)[]): void {
  server.handler = ({ query }, response) => {
    if (query.get("watch") !== "true") return json(response, lists.shift() ?? list("0", []));
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    watches.shift()?.(response);
  };
}

async function take(count: number, options = {}): Promise<string[]> {
  const taken: string[] = [];
  for await (const { type, object } of client.jobs.watch(options)) {
    taken.push(`${type} ${object.metadata.name}@${object.metadata.resourceVersion}`);
    if (taken.length === count) break;
  }
  return taken;
}
const versions = (): (string | null)[] =>
  server.seen
    .filter((seen) => seen.query.get("watch"))
    .map((seen) => seen.query.get("resourceVersion"));

describe("watch", () => {
  test("yields what there is, then changes, from the list's version on", async () => {
    script(
      [list("5", [job("a", "3")])],
      [(response) => response.write(event("MODIFIED", job("a", "6")))],
    );
    expect(await take(2)).toEqual(["ADDED a@3", "MODIFIED a@6"]);
    expect(versions()).toEqual(["5"]);
  });

  test("resumes after the last event when the connection breaks, without listing again", async () => {
    script(
      [list("5", [])],
      [
        (response) => response.write(event("ADDED", job("a", "6")), () => response.destroy()),
        (response) => response.write(event("MODIFIED", job("a", "7"))),
      ],
    );
    expect(await take(2)).toEqual(["ADDED a@6", "MODIFIED a@7"]);
    expect(versions()).toEqual(["5", "6"]);
  });

  test("resumes from a bookmark, and does not yield it", async () => {
    const bookmark = { kind: "Job", metadata: { resourceVersion: "40" } };
    script(
      [list("5", [])],
      [
        (response) => response.end(event("BOOKMARK", bookmark)),
        (response) => response.write(event("ADDED", job("a", "41"))),
      ],
    );
    expect(await take(1)).toEqual(["ADDED a@41"]);
    expect(versions()).toEqual(["5", "40"]);
  });

  test("an event cut in half is not lost and not yielded twice", async () => {
    const text = event("ADDED", job("a", "6"));
    script(
      [list("5", [])],
      [(response) => response.end(text.slice(0, 30)), (response) => response.write(text)],
    );
    expect(await take(1)).toEqual(["ADDED a@6"]);
    expect(versions()).toEqual(["5", "5"]);
  });

  test("410 as an event: lists again and yields the difference", async () => {
    const expired = event("ERROR", status(410, "Expired", "too old"));
    script(
      [list("5", [job("a", "3"), job("b", "4")]), list("20", [job("b", "18"), job("c", "19")])],
      [
        (response) => response.end(expired),
        (response) => response.write(event("MODIFIED", job("c", "21"))),
      ],
    );
    expect(await take(6)).toEqual([
      "ADDED a@3",
      "ADDED b@4",
      "MODIFIED b@18",
      "ADDED c@19",
      "DELETED a@3",
      "MODIFIED c@21",
    ]);
    expect(versions()).toEqual(["5", "20"]);
  });

  test("410 as the answer: lists again", async () => {
    let watched = 0;
    server.handler = ({ query }, response) => {
      if (query.get("watch") === null) return json(response, list(watched === 0 ? "5" : "9", []));
      if (watched++ === 0) return json(response, status(410, "Expired", "too old"), 410);
      response.writeHead(200).write(event("ADDED", job("a", "10")));
    };
    expect(await take(1)).toEqual(["ADDED a@10"]);
    expect(versions()).toEqual(["5", "9"]);
  });

  test("gives up when the server stays away", async () => {
    script([list("5", [])], []);
    const watching = take(1, { patienceMs: 50 });
    const closed = server.close();
    await expect(watching).rejects.toMatchObject({ name: "ConnectionError" });
    await closed;
    server = await new FakeServer().listen();
  });

  test("does not go on after a refusal", async () => {
    server.handler = (_, response) => json(response, status(403, "Forbidden", "no"), 403);
    await expect(take(1)).rejects.toBeInstanceOf(GantryError);
  });

  test("ends when its signal aborts", async () => {
    const abort = new AbortController();
    script([list("5", [job("a", "1")])], [() => abort.abort()]);
    expect(await take(2, { signal: abort.signal })).toEqual(["ADDED a@1"]);
  });
});

describe("jobs.wait", () => {
  const complete = [{ type: "Complete", status: "True" }];
  const failed = [
    { type: "Failed", status: "True", reason: "BackoffLimitExceeded", message: "too many" },
  ];

  test("returns the Job once the condition holds", async () => {
    script(
      [list("5", [job("pi", "3")])],
      [(response) => response.write(event("MODIFIED", job("pi", "6", complete)))],
    );
    const done = await client.jobs.wait("pi", { for: "complete" });
    expect(done?.metadata.resourceVersion).toBe("6");
    expect(server.seen[0]?.query.get("fieldSelector")).toBe("metadata.name=pi");
  });

  test("says at once that a failed Job can't become Complete, and why it failed", async () => {
    script([list("5", [job("pi", "3", failed)])], []);
    await expect(client.jobs.wait("pi", { for: "Complete" })).rejects.toThrow(
      "Failed (BackoffLimitExceeded): too many",
    );
  });

  test("finished is either end", async () => {
    script([list("5", [job("pi", "3", failed)])], []);
    expect(await client.jobs.wait("pi")).toMatchObject({ status: { conditions: failed } });
  });

  test("deleted is at once true of what is not there, and true when it goes", async () => {
    script([list("5", [])], []);
    expect(await client.jobs.wait("pi", { for: "deleted" })).toBeUndefined();
    script(
      [list("5", [job("pi", "3")])],
      [(response) => response.write(event("DELETED", job("pi", "6")))],
    );
    expect(await client.jobs.wait("pi", { for: "deleted" })).toMatchObject({
      metadata: { name: "pi" },
    });
  });

  test("times out", async () => {
    script([list("5", [job("pi", "3")])], []);
    const error = await client.jobs
      .wait("pi", { timeoutMs: 30 })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WaitError);
    expect(error).toMatchObject({ reason: "Timeout" });
  });
});

async function all(source: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const one of source) found.push(one);
  return found;
}

describe("logs", () => {
  const log =
    (...parts: (readonly [string, "break" | "end"])[]): Handler =>
    (_, response) => {
      const [text, how] = parts.shift() ?? ["", "end"];
      response.writeHead(200);
      if (how === "end") response.end(text);
      else response.write(text, () => response.destroy());
    };

  test("come as lines, and the options as Kubernetes' parameters", async () => {
    server.handler = log(["one\ntwo\nthree", "end"]);
    const found = await all(
      client.pods.logs("p", { container: "c", tailLines: 3, timestamps: true }),
    );
    expect(found).toEqual(["one", "two", "three"]);
    const query = Object.fromEntries(server.seen[0]?.query ?? []);
    expect(query).toEqual({ container: "c", tailLines: "3", timestamps: "true" });
  });

  test("go on where they broke off: nothing twice, nothing lost", async () => {
    server.handler = log(
      ["one\ntw", "break"],
      ["one\ntwo\nthr", "break"],
      ["one\ntwo\nthree\n", "end"],
    );
    expect(await all(client.pods.logs("p", { follow: true }))).toEqual(["one", "two", "three"]);
  });

  test("of a tail that broke off are an error, because the place is lost", async () => {
    server.handler = log(["one\n", "break"], ["never asked", "end"]);
    const reading = all(client.pods.logs("p", { follow: true, tailLines: 5 }));
    await expect(reading).rejects.toMatchObject({ name: "ConnectionError" });
    expect(server.seen).toHaveLength(1);
  });
});

describe("jobs.logs", () => {
  const pod = (name: string, resourceVersion: string, state: object): object => ({
    metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion },
    status: { phase: "Running", containerStatuses: [{ name: "c", restartCount: 0, state }] },
  });

  test("follow every Pod of the Job, later ones too, and end with the Job", async () => {
    const pods = [pod("a", "1", { running: {} }), pod("b", "2", { waiting: {} })];
    let finish: (() => void) | undefined;
    server.handler = ({ path, query }, response) => {
      const watching = query.get("watch") === "true";
      if (path.endsWith("/log")) return void response.end(`from ${path.split("/").at(-2)}\n`);
      if (path.endsWith("/jobs/pi")) return json(response, job("pi", "1"));
      if (!watching)
        return json(response, list("5", path.endsWith("/pods") ? pods : [job("pi", "1")]));
      response.writeHead(200);
      response.flushHeaders();
      if (path.endsWith("/jobs")) {
        finish = () =>
          response.write(event("MODIFIED", job("pi", "9", [{ type: "Complete", status: "True" }])));
        return;
      }
      pods[1] = pod("b", "6", { terminated: { exitCode: 0 } });
      response.write(event("MODIFIED", pods[1]));
    };
    const found: string[] = [];
    for await (const { pod: name, line } of client.jobs.logs("pi", { follow: true })) {
      found.push(`${name}: ${line}`);
      if (found.length === 2) finish?.();
    }
    expect(found.toSorted()).toEqual(["a: from a", "b: from b"]);
  });
});
