// The command line's options for serving: addresses and certificates.
import { type Listen, parseListen } from "../listen.ts";
import { UsageError } from "../usage-error.ts";
import { givenCertificate, type ServingCertificate, servingCertificate } from "./certificate.ts";

export interface ServeOptions {
  readonly listen: string;
  /** `off` is no ops listener. */
  readonly opsListen?: string;
  readonly opsWrite?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Plain HTTP. */
  readonly insecure?: boolean;
  /** File of the keys that encrypt Secrets. */
  readonly secretsKey?: string;
  readonly maxPendingJobs?: number;
  readonly maxInflight?: number;
  /** Percent. */
  readonly maxRedisMemory?: number;
}

/** As startApi takes it. */
export interface ServeLimits {
  readonly maxPendingJobs?: number;
  readonly maxInflight?: number;
  readonly maxMemoryFraction?: number;
}

export const limitsOf = ({
  maxPendingJobs,
  maxInflight,
  maxRedisMemory,
}: ServeOptions): ServeLimits => ({
  ...(maxPendingJobs !== undefined && { maxPendingJobs }),
  ...(maxInflight !== undefined && { maxInflight }),
  ...(maxRedisMemory !== undefined && { maxMemoryFraction: maxRedisMemory / 100 }),
});

const DEFAULT_OPS_PORT = 7480;

/** Null is plain HTTP, which only `--insecure` gives. */
export function tlsOf(options: ServeOptions, dir: string, host: string): ServingCertificate | null {
  const { tlsCert, tlsKey } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UsageError("--tls-cert and --tls-key go together");
  }
  if (options.insecure === true) {
    if (tlsCert !== undefined)
      throw new UsageError("--insecure is plain HTTP: it takes no --tls-cert");
    return null;
  }
  if (tlsCert !== undefined && tlsKey !== undefined) return givenCertificate(tlsCert, tlsKey);
  return servingCertificate(dir, host, Date.now());
}

/** On loopback by default; on a port of the system's choice where the API is on one too. */
export function opsOf(options: ServeOptions, api: Listen): (Listen & { write: boolean }) | null {
  const write = options.opsWrite === true;
  if (options.opsListen === "off") return null;
  if (options.opsListen !== undefined) return { ...parseListen(options.opsListen), write };
  return { host: "127.0.0.1", port: api.port === 0 ? 0 : DEFAULT_OPS_PORT, write };
}
