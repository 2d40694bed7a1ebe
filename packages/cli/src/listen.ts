// The address a server listens on, as written on the command line.
import { isIP } from "node:net";
import { UsageError } from "./usage-error.ts";

export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, `[IPv6]:PORT`, `:PORT` (every address) or `PORT` (loopback). Port 0 lets the system choose. */
export function parseListen(text: string): Listen {
  const match = /^(?:(?:\[([^\]]+)\]|([^:]*)):)?(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new UsageError(
      `${JSON.stringify(text)} is no address: write HOST:PORT, as in 127.0.0.1:7443`,
    );
  }
  const host = match[1] ?? match[2];
  return { host: host === undefined ? "127.0.0.1" : host || "0.0.0.0", port };
}

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));

export const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::";

/** The address by which this machine reaches a listener of its own. */
export function localUrl(scheme: "http" | "https", listen: Listen): string {
  const host = isWildcard(listen.host) ? "127.0.0.1" : listen.host;
  return `${scheme}://${isIP(host) === 6 ? `[${host}]` : host}:${listen.port}`;
}
