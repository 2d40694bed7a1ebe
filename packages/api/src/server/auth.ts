// The bearer token that every path but health needs.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { unauthorized } from "@gantry/core";
import type { FastifyRequest } from "fastify";

const open: ReadonlySet<string> = new Set(["/healthz", "/livez", "/readyz"]);

export const pathOf = (request: FastifyRequest): string => {
  const url = request.raw.url ?? "/";
  const at = url.indexOf("?");
  return at < 0 ? url : url.slice(0, at);
};

/** Checks tokens in constant time: digests under a key of this process are compared. */
export const tokenCheck = (token: string): ((given: string) => boolean) => {
  const key = randomBytes(32);
  const digest = (text: string): Buffer => createHmac("sha256", key).update(text).digest();
  const expected = digest(token);
  return (given) => timingSafeEqual(digest(given), expected);
};

/** A hook for `onRequest`: throws 401 without the right token. */
export const authenticate = (token: string) => {
  const isRight = tokenCheck(token);
  return (request: FastifyRequest): void => {
    if (open.has(pathOf(request))) return;
    const [, given] = /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? "") ?? [];
    if (given === undefined || !isRight(given)) throw unauthorized();
  };
};
