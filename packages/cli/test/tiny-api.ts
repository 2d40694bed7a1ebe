// A server with one Job and one Pod that do what a test says: enough of the API for the commands.
import http from "node:http";
import type { AddressInfo } from "node:net";

type Json = Record<string, unknown>;
interface Stored extends Json {
  metadata: { name: string; uid: string; resourceVersion: string } & Json;
}

export class TinyApi {
  readonly requests: string[] = [];
  readonly objects: Record<"jobs" | "pods", Map<string, Stored>> = {
    jobs: new Map(),
    pods: new Map(),
  };
  /** What the Pod prints, whole or, with `follow`, until it ends. */
  log = "";
  /** Called after a Job was created. */
  created: (job: Stored) => void = () => undefined;
  #version = 10;
  readonly #changes: { kind: string; version: number; line: string }[] = [];
  readonly #watchers: { kind: string; response: http.ServerResponse }[] = [];
  readonly #server = http.createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => this.#answer(request, body, response));
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  put(kind: "jobs" | "pods", name: string, rest: Json): Stored {
    const before = this.objects[kind].get(name);
    const metadata = {
      ...before?.metadata,
      name,
      namespace: "default",
      uid: before?.metadata.uid ?? `${name}-${this.#version}`,
      resourceVersion: `${++this.#version}`,
    };
    const object = { ...before, ...rest, metadata };
    this.objects[kind].set(name, object);
    this.#tell(kind, before === undefined ? "ADDED" : "MODIFIED", object);
    return object;
  }

  remove(kind: "jobs" | "pods", name: string): void {
    const object = this.objects[kind].get(name);
    if (object === undefined) return;
    this.objects[kind].delete(name);
    object.metadata.resourceVersion = `${++this.#version}`;
    this.#tell(kind, "DELETED", object);
  }

  #tell(kind: string, type: string, object: Stored): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    this.#changes.push({ kind, version: this.#version, line });
    for (const watcher of this.#watchers) {
      if (watcher.kind === kind) watcher.response.write(line);
    }
  }

  #answer(request: http.IncomingMessage, body: string, response: http.ServerResponse): void {
    const url = new URL(request.url ?? "", "http://tiny");
    const [kind = "", name, sub] = url.pathname.split("/namespaces/default/")[1]?.split("/") ?? [];
    this.requests.push(`${request.method} ${kind}${name === undefined ? "" : `/${name}`}`);
    const send = (code: number, value: unknown): void => {
      response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    const fail = (code: number, reason: string, more = {}): void =>
      send(code, { kind: "Status", code, reason, message: `${kind} "${name}" ${reason}`, ...more });
    if (kind !== "jobs" && kind !== "pods") return fail(404, "NotFound");
    const all = this.objects[kind];
    if (sub === "log") return void response.end(this.log);
    if (request.method === "POST") {
      const job = JSON.parse(body) as Stored;
      if (job.metadata.name === "bad") return fail(422, "Invalid", INVALID);
      if (all.has(job.metadata.name)) return fail(409, "AlreadyExists");
      const stored = this.put("jobs", job.metadata.name, { ...job, status: { active: 1 } });
      send(201, stored);
      return this.created(stored);
    }
    if (request.method === "DELETE") {
      this.remove(kind, name ?? "");
      return send(200, {});
    }
    if (name !== undefined) return all.has(name) ? send(200, all.get(name)) : fail(404, "NotFound");
    if (url.searchParams.get("watch") === "true") {
      response.writeHead(200).flushHeaders();
      // What happened between the list and the watch is told, as by a real server.
      const since = Number(url.searchParams.get("resourceVersion"));
      for (const change of this.#changes) {
        if (change.kind === kind && change.version > since) response.write(change.line);
      }
      this.#watchers.push({ kind, response });
      return;
    }
    const wanted = /metadata\.name=(.+)/.exec(url.searchParams.get("fieldSelector") ?? "")?.[1];
    const items = [...all.values()].filter(
      (one) => wanted === undefined || one.metadata.name === wanted,
    );
    send(200, { items, metadata: { resourceVersion: `${this.#version}` } });
  }
}

const INVALID = {
  message: 'Job.batch "bad" is invalid: spec.template.spec.restartPolicy: Required value',
  details: { causes: [{ field: "spec.template.spec.restartPolicy", message: "Required value" }] },
};
