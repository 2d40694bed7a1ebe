// A document that is made once and answered many times: its bytes and the ETag that names them.
import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";

export interface CachedDocument {
  readonly body: Buffer;
  /** SHA-512 of the body, upper-case hexadecimal, as Kubernetes names its documents. */
  readonly hash: string;
  readonly contentType: string;
}

export function cachedDocument(text: string | Buffer, contentType: string): CachedDocument {
  const body = typeof text === "string" ? Buffer.from(text) : text;
  const hash = createHash("sha512").update(body).digest("hex").toUpperCase();
  return { body, hash, contentType };
}

/** Answers with the document, or with 304 when the client already has it. */
export function sendDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  document: CachedDocument,
): FastifyReply {
  const etag = `"${document.hash}"`;
  reply.header("etag", etag).header("vary", "Accept");
  const known = request.headers["if-none-match"];
  if (known !== undefined && known.split(",").some((tag) => matches(tag, etag))) {
    return reply.code(304).send();
  }
  return reply.type(document.contentType).send(document.body);
}

const matches = (tag: string, etag: string): boolean => {
  const text = tag.trim();
  return text === "*" || text === etag || text === `W/${etag}`;
};

/** Calls `make` at the first use and keeps the result. */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
