// Pages of lists, with tokens that say where the next begins.
import { type AwsError, clientError, invalidParameter } from "../wire/aws-error.ts";

const MAX_PAGE = 100;

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken: string | undefined;
}

const encode = (kind: string, offset: number): string =>
  Buffer.from(`${kind}:${offset}`).toString("base64url");

export const badToken = (): AwsError => invalidParameter("Invalid token");

export const pageOf = <T>(
  kind: string,
  all: readonly T[],
  nextToken: string | undefined,
  maxResults: number | undefined,
): Page<T> => {
  const size = maxResults ?? MAX_PAGE;
  if (!Number.isInteger(size) || size < 1 || size > MAX_PAGE) {
    throw clientError(`maxResults must be between 1 and ${MAX_PAGE}.`);
  }
  let offset = 0;
  if (nextToken !== undefined) {
    const [, of, at = ""] =
      /^(\w+):(\d+)$/.exec(Buffer.from(nextToken, "base64url").toString()) ?? [];
    if (of !== kind) throw badToken();
    offset = Number(at);
  }
  const end = offset + size;
  return {
    items: all.slice(offset, end),
    nextToken: end < all.length ? encode(kind, end) : undefined,
  };
};
