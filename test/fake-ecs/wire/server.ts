// The HTTP side of the fake: one port for the three services, and what a request meets on its way.
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../clock.ts";
import type { Faults, MetFault, RequestFault } from "../faults.ts";
import type { Journal, RequestEntry } from "../journal.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { RateLimits } from "../rates.ts";
import { AwsError, throttled } from "./aws-error.ts";
import { type Call, decodeCall, type Identity, readBody, targetOf } from "./decode-request.ts";
import { encodeError, encodeResult, type Reply } from "./encode-reply.ts";
import { refusalBy, serverError } from "./request-faults.ts";

export interface Operations {
  run(call: Call, met: MetFault<RequestFault> | undefined, gone: AbortSignal): unknown;
  /** Requests that are none of the services': the control and metadata endpoints. */
  other(method: string, path: string, body: string): Promise<Reply> | Reply;
}

export interface ServerParts {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly journal: Journal;
  readonly rates: RateLimits;
  readonly snapshot: Snapshot;
  readonly operations: Operations;
}

/** `dropped`: the connection ends without an answer. */
type Outcome = Reply | "dropped";

/**
 * What a request's chance hangs on beside the seed: a RunTask by its token, others by their turn.
 */
const chanceName = ({ operation, input }: Call): string => {
  if (operation !== "RunTask") return operation;
  const token = input["clientToken"];
  return typeof token === "string" ? token : JSON.stringify(input["overrides"] ?? {});
};

const html = (status: number): Reply => ({
  status,
  headers: { "content-type": "text/html" },
  body: "<html><body><b>Http/1.1 Service Unavailable</b></body> </html>",
});

export class WireServer {
  readonly #parts: ServerParts;
  readonly #server: Server;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.#server = createServer((request, response) => {
      void this.#serve(request, response).catch((error: unknown) => {
        parts.journal.defects.push(String((error as Error).stack ?? error));
        response.destroy();
      });
    });
    // Clients pool connections; the default of 5 s would cut some off between two requests.
    this.#server.keepAliveTimeout = 60_000;
  }

  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    let body: string;
    try {
      body = await readBody(request);
    } catch (error) {
      if (!(error instanceof AwsError)) return void response.destroy();
      return send(response, { status: error.status, headers: {}, body: "" });
    }
    if (request.headers["x-amz-target"] === undefined && request.url !== "/") {
      const { method = "GET", url = "/" } = request;
      return send(response, await this.#parts.operations.other(method, url, body));
    }
    const outcome = await this.#answer(request, body, gone.signal);
    if (outcome === "dropped") request.socket.destroy();
    else send(response, outcome);
  }

  async #answer(request: IncomingMessage, body: string, gone: AbortSignal): Promise<Outcome> {
    const { clock, journal, snapshot, identity } = this.#parts;
    const target = targetOf(request.headers);
    const operation = target?.operation ?? "";
    const requestId = randomUUID();
    const entry: RequestEntry = {
      atMs: clock.nowMs(),
      operation,
      input: undefined,
      outcome: "200",
      fault: null,
    };
    journal.addRequest(entry);
    try {
      const violation = (name: string, problems: readonly string[]): void =>
        void journal.violations.push(`${name}: ${problems.join("; ")}`);
      const call = decodeCall(request.headers, body, identity, snapshot, violation);
      Object.assign(entry, { input: call.input });
      return await this.#call(call, entry, requestId, gone);
    } catch (error) {
      const known = error instanceof AwsError ? error : this.#defect(operation, error);
      entry.outcome = known.code;
      return this.#errorReply(target?.service, operation, known, requestId);
    }
  }

  #defect(operation: string, error: unknown): AwsError {
    this.#parts.journal.defects.push(`${operation}: ${String((error as Error).stack ?? error)}`);
    return new AwsError("InternalFailure", "The fake itself failed.", { status: 500 });
  }

  #errorReply(
    service: Call["service"] | undefined,
    operation: string,
    error: AwsError,
    requestId: string,
  ): Reply {
    const { snapshot } = this.#parts;
    try {
      return encodeError(service, operation, error, snapshot, requestId);
    } catch (defect) {
      const failure = this.#defect(operation, defect);
      return encodeError(service, operation, failure, snapshot, requestId);
    }
  }

  async #call(
    call: Call,
    entry: RequestEntry,
    requestId: string,
    gone: AbortSignal,
  ): Promise<Outcome> {
    const { faults, rates, clock, operations, snapshot } = this.#parts;
    const { service, operation, input } = call;
    if (!rates.admits(operation)) throw throttled();
    const met = faults.ofRequest(service.name, operation, chanceName(call), input);
    entry.fault = met?.fault ?? null;
    if (met?.fault === "dropBefore") return dropped(entry);
    if (met?.fault === "unavailable") {
      entry.outcome = "503";
      return html(503);
    }
    const refusal = met === undefined ? undefined : refusalBy(met.fault, service.name, input);
    if (refusal !== undefined) throw refusal;
    const result = await operations.run(call, met, gone);
    if (met?.fault === "dropAfter") return dropped(entry);
    if (met?.fault === "serverErrorAfterCommit") throw serverError(service.name);
    if (met?.fault === "lateReply") {
      await new Promise<void>((resolve) => void clock.after(met.ms, resolve));
    }
    return encodeResult(service, operation, result, snapshot, requestId);
  }
}

const dropped = (entry: RequestEntry): "dropped" => {
  entry.outcome = "dropped";
  return "dropped";
};

const send = (response: ServerResponse, { status, headers, body }: Reply): void => {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(body);
};
