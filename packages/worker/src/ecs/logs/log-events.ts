// GetLogEvents: one stream's events in pages, within the account's rate, with faults of the service waited out.
import { type CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { LogUnavailable } from "../../runtime.ts";

/** The rate that all readers of an account and Region share. */
export interface LogLimiter {
  /** Resolves when a call may be made. */
  take(signal?: AbortSignal): Promise<void>;
  /** A call was refused for its rate. */
  slow(): Promise<void>;
}

export interface LogClock {
  nowMs(): number;
  /** Resolves early when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** One line of a container; the awslogs driver cuts those above 256 KiB. */
export interface LogLine {
  /** When it was written, Unix ms. */
  readonly timeMs: number;
  readonly text: string;
}

export interface EventPage {
  readonly lines: readonly LogLine[];
  /** What continues after the last line, and before the first; undefined before the stream exists. */
  readonly forward: string | undefined;
  readonly back: string | undefined;
}

export interface PageRequest {
  readonly stream: string;
  readonly token?: string | undefined;
  /** Reads on from the token, or from the first line; else back from it, or from the last. */
  readonly onward: boolean;
  readonly sinceMs?: number | undefined;
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The most that a page may have. */
export const MAX_PAGE_EVENTS = 10_000;

const TRIES = 8;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;

/** The token is of another stream, malformed, or older than 24 hours. */
export class TokenRefused extends Error {
  override name = "TokenRefused";
}

/** Codes that no later try changes. */
const PERMANENT = new Map([
  ["AccessDeniedException", "grant logs:GetLogEvents to the worker"],
  ["UnrecognizedClientException", "check the worker's credentials"],
  ["InvalidSignatureException", "check the worker's credentials"],
  ["ExpiredTokenException", "renew the worker's credentials"],
  ["CredentialsProviderError", "give the worker credentials"],
]);

const isThrottle = (error: unknown): boolean =>
  /Throttling|LimitExceeded|TooManyRequests/.test((error as Error).name);

export class LogEvents {
  readonly #client: CloudWatchLogsClient;
  readonly #group: string;
  readonly #limiter: LogLimiter;
  readonly #clock: LogClock;

  constructor(client: CloudWatchLogsClient, group: string, limiter: LogLimiter, clock: LogClock) {
    this.#client = client;
    this.#group = group;
    this.#limiter = limiter;
    this.#clock = clock;
  }

  /** A stream without lines is an empty page without tokens. Throws LogUnavailable and TokenRefused. */
  async page(request: PageRequest): Promise<EventPage> {
    for (let tries = 1; ; tries += 1) {
      await this.#limiter.take(request.signal);
      request.signal?.throwIfAborted();
      try {
        return await this.#send(request);
      } catch (error) {
        request.signal?.throwIfAborted();
        const empty = this.#asEmpty(error, request);
        if (empty !== null) return empty;
        if (isThrottle(error)) await this.#limiter.slow();
        if (tries === TRIES) throw error;
        const waitMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (tries - 1));
        await this.#clock.sleep(waitMs, request.signal);
        request.signal?.throwIfAborted();
      }
    }
  }

  async #send({ stream, token, onward, sinceMs, limit, signal }: PageRequest): Promise<EventPage> {
    const reply = await this.#client.send(
      new GetLogEventsCommand({
        logGroupName: this.#group,
        logStreamName: stream,
        // Asked for with every forward token, not the first call alone.
        startFromHead: onward,
        ...(token === undefined ? {} : { nextToken: token }),
        ...(sinceMs === undefined ? {} : { startTime: Math.max(0, Math.floor(sinceMs)) }),
        ...(limit === undefined ? {} : { limit: Math.min(limit, MAX_PAGE_EVENTS) }),
      }),
      signal === undefined ? {} : { abortSignal: signal },
    );
    const lines = (reply.events ?? []).map(({ timestamp = 0, message = "" }) => ({
      timeMs: timestamp,
      text: message,
    }));
    return { lines, forward: reply.nextForwardToken, back: reply.nextBackwardToken };
  }

  /** `null` for what may pass. */
  #asEmpty(error: unknown, { token }: PageRequest): EventPage | null {
    const { name, message } = error as Error;
    if (name === "ResourceNotFoundException") {
      if (!/log group/i.test(message)) return { lines: [], forward: undefined, back: undefined };
      throw new LogUnavailable(`the log group ${this.#group} does not exist`);
    }
    if (name === "InvalidParameterException" && token !== undefined) {
      throw new TokenRefused(message);
    }
    const remedy = PERMANENT.get(name);
    if (remedy !== undefined) {
      throw new LogUnavailable(
        `the log group ${this.#group} can't be read: ${message} (${remedy})`,
      );
    }
    return null;
  }
}
