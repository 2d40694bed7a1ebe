// Bounds the requests under way, so that a process answers some of them well instead of all of them never.
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Gauge, type Registry } from "prom-client";
import { flag, queryOf } from "../requests/query.ts";
import { pathOf } from "../server/auth.ts";
import type { Admission } from "./admission.ts";
import { READ_SHARE } from "./limits.ts";

type Share = "write" | "read";

const RETRY_SECONDS = 1;

/** As kube-apiserver says it. */
const MESSAGE = "Too many requests, please try again later.";

const OPEN: ReadonlySet<string> = new Set(["/healthz", "/livez", "/readyz", "/metrics"]);

/** Last parts of paths whose answers go on for as long as the client likes. */
const STREAMS: ReadonlySet<string> = new Set(["exec", "attach", "portforward"]);

/** Writes that free something, or write nothing. */
const FREEING = /\/(?:eviction|selfsubject\w+)$/;

/** `null`: not bounded here: probes, and what goes on (watches, followed logs, sessions). */
const shareOf = (request: FastifyRequest): Share | null => {
  const path = pathOf(request);
  if (OPEN.has(path)) return null;
  const last = path.slice(path.lastIndexOf("/") + 1);
  if (STREAMS.has(last)) return null;
  if (request.method === "GET") {
    const query = queryOf(request);
    const goesOn =
      flag(query, "watch") || path.includes("/watch/") || (last === "log" && flag(query, "follow"));
    return goesOn ? null : "read";
  }
  if (request.method === "HEAD" || request.method === "DELETE") return "read";
  return FREEING.test(path) ? "read" : "write";
};

/** Adds the hook; it must come after authentication, so that strangers take no place. */
export const limitInflight = (
  app: FastifyInstance,
  admission: Admission,
  registry: Registry,
): void => {
  const { maxInflight } = admission.limits;
  const most: Record<Share, number> = { write: maxInflight, read: READ_SHARE * maxInflight };
  const now: Record<Share, number> = { write: 0, read: 0 };
  new Gauge({
    name: "gantry_api_inflight_requests",
    help: "Requests under way, without watches and others that go on.",
    labelNames: ["share"],
    registers: [registry],
    collect() {
      this.set({ share: "write" }, now.write);
      this.set({ share: "read" }, now.read);
    },
  });
  app.addHook("onRequest", (request: FastifyRequest, reply: FastifyReply, done) => {
    const share = shareOf(request);
    if (share === null) return done();
    if (now[share] >= most[share]) throw admission.refusal("inflight", MESSAGE, RETRY_SECONDS);
    now[share] += 1;
    // Also when the client goes away before its answer.
    reply.raw.once("close", () => {
      now[share] -= 1;
    });
    done();
  });
};
