// The bearer token that every path but health needs.
import { timingSafeEqual } from "node:crypto";
import { unauthorized } from "@gantry/core";
import type { FastifyRequest } from "fastify";

const open: ReadonlySet<string> = new Set(["/healthz", "/livez", "/readyz"]);

export const pathOf = (request: FastifyRequest): string => {
  const url = request.raw.url ?? "/";
  const at = url.indexOf("?");
  return at < 0 ? url : url.slice(0, at);
};

/** Checks tokens in a time that tells nothing of the right one but its length, which is no secret. */
export const tokenCheck = (token: string): ((given: string) => boolean) => {
  const expected = Buffer.from(token);
  return (given) => {
    const bytes = Buffer.from(given);
    return bytes.length === expected.length && timingSafeEqual(bytes, expected);
  };
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
