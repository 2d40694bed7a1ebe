// Lets requests in: a session cookie, the token as bearer, or the token as basic auth's password.
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { FailureLimit } from "./failure-limit.ts";
import { indexPage, loginPage } from "./pages.ts";
import { SESSION_SECONDS, Sessions } from "./session.ts";

const COOKIE = "gantry_ops";
const open: ReadonlySet<string> = new Set(["/healthz", "/ops/login"]);

/** A login form holds a token and a path. */
const FORM_MAX_BYTES = 8_192;

export interface AuthorizeOptions {
  readonly token: string;
  readonly write: boolean;
  readonly now: () => number;
}

const cookieOf = (request: FastifyRequest): string => {
  for (const part of (request.headers.cookie ?? "").split(";")) {
    const [name, value] = part.trim().split("=", 2);
    if (name === COOKIE) return value ?? "";
  }
  return "";
};

/** The token of an Authorization header; `null` without one. */
const tokenOf = (header: string | undefined): string | null => {
  const [, scheme = "", value = ""] = /^(\S+) +(\S+) *$/.exec(header ?? "") ?? [];
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() !== "basic") return null;
  const pair = Buffer.from(value, "base64").toString("utf8");
  return pair.slice(pair.indexOf(":") + 1);
};

/** Only pages of this listener: anything else would make the login a way to lead people elsewhere. */
const safeNext = (next: unknown): string =>
  typeof next === "string" && /^\/(ops|metrics)(\/[\w\-./]*)?(\?[\w\-.=&%/]*)?$/.test(next)
    ? next
    : "/ops";

const pathOf = (request: FastifyRequest): string =>
  (request.raw.url ?? "/").split("?", 1)[0] ?? "/";

const wantsPage = (request: FastifyRequest): boolean =>
  request.method === "GET" && (request.headers.accept ?? "").includes("text/html");

const tooMany = (reply: FastifyReply, seconds: number): FastifyReply =>
  reply.code(429).header("retry-after", seconds).type("text/plain; charset=utf-8");

const setCookie = (reply: FastifyReply, value: string, seconds: number): FastifyReply =>
  reply.header(
    "set-cookie",
    `${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}`,
  );

const page = (reply: FastifyReply, text: string): FastifyReply =>
  reply.type("text/html; charset=utf-8").header("cache-control", "no-store").send(text);

function addHook(
  app: FastifyInstance,
  sessions: Sessions,
  limit: FailureLimit,
  o: AuthorizeOptions,
): void {
  app.addHook("onRequest", async (request, reply) => {
    if (open.has(pathOf(request))) return undefined;
    if (sessions.isValid(cookieOf(request), o.now())) return undefined;
    const given = tokenOf(request.headers.authorization);
    if (given !== null) {
      const seconds = limit.waitSeconds(request.ip, o.now());
      if (seconds > 0) return tooMany(reply, seconds).send("too many failures: try again later\n");
      if (sessions.isToken(given)) return undefined;
      limit.failed(request.ip, o.now());
    } else if (wantsPage(request)) {
      return reply.redirect(
        `/ops/login?next=${encodeURIComponent(request.raw.url ?? "/ops")}`,
        303,
      );
    }
    return reply
      .code(401)
      .header("www-authenticate", 'Basic realm="Gantry", charset="UTF-8"')
      .type("text/plain; charset=utf-8")
      .send("the token is needed: as bearer, or as the password of basic auth\n");
  });
}

/** Guards every route of the listener, and adds /ops, /ops/login and /ops/logout. */
export function registerAuthorization(app: FastifyInstance, options: AuthorizeOptions): void {
  const sessions = new Sessions(options.token);
  const limit = new FailureLimit();
  addHook(app, sessions, limit, options);
  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string", bodyLimit: FORM_MAX_BYTES },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
  app.get("/ops/login", (request, reply) => {
    const { next } = request.query as { next?: unknown };
    return page(reply, loginPage(safeNext(next), null));
  });
  app.post("/ops/login", (request, reply) => {
    const { token, next } = (request.body ?? {}) as { token?: unknown; next?: unknown };
    const seconds = limit.waitSeconds(request.ip, options.now());
    if (seconds > 0) {
      return page(
        reply.code(429).header("retry-after", seconds),
        loginPage(safeNext(next), `Too many failures. Try again in ${seconds} seconds.`),
      );
    }
    if (typeof token !== "string" || !sessions.isToken(token.trim())) {
      limit.failed(request.ip, options.now());
      return page(reply.code(401), loginPage(safeNext(next), "This is not the token."));
    }
    setCookie(reply, sessions.issue(options.now()), SESSION_SECONDS);
    return reply.redirect(safeNext(next), 303);
  });
  app.post("/ops/logout", (_request, reply) => {
    setCookie(reply, "", 0);
    return reply.redirect("/ops/login", 303);
  });
  app.get("/", (_request, reply) => reply.redirect("/ops", 303));
  app.get("/ops", (_request, reply) => page(reply, indexPage(options.write)));
  app.get("/ops/", (_request, reply) => reply.redirect("/ops", 303));
}
