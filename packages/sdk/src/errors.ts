// What can go wrong when talking to Gantry, as types a caller can tell apart.

/** The body of an error answer, `v1.Status`; only what is read here. */
export interface StatusBody {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly causes?: readonly StatusCause[];
    readonly retryAfterSeconds?: number;
  };
}

/** One broken rule: the field's path, the reason and a sentence. */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** The server answered, and the answer is no. `reason` is Kubernetes' (NotFound, AlreadyExists, Invalid...). */
export class GantryError extends Error {
  override name = "GantryError";
  readonly code: number;
  readonly reason: string;
  readonly causes: readonly StatusCause[];
  readonly retryAfterSeconds: number | undefined;

  /** `retryAfter`: the header, for answers that say it nowhere else (a proxy's). */
  constructor(code: number, body: StatusBody, retryAfter?: string) {
    super(body.message ?? `the server answered ${code}`);
    this.code = code;
    this.reason = body.reason ?? reasonOf(code);
    this.causes = body.details?.causes ?? [];
    const seconds = /^\d+$/.test(retryAfter ?? "") ? Number(retryAfter) : undefined;
    this.retryAfterSeconds = body.details?.retryAfterSeconds ?? seconds;
  }

  /** Reads an error answer; a body that is no Status (a proxy's page) is quoted in short. */
  static fromAnswer(code: number, text: string, retryAfter?: string): GantryError {
    try {
      const body = JSON.parse(text) as StatusBody | null;
      if (body !== null && typeof body === "object" && body.kind === "Status") {
        return new GantryError(body.code ?? code, body, retryAfter);
      }
    } catch {
      // Not JSON: quoted below.
    }
    const quote = text.trim().slice(0, 200);
    const message = `the server answered ${code}${quote && `: ${quote}`}`;
    return new GantryError(code, { message }, retryAfter);
  }
}

const REASONS: ReadonlyMap<number, string> = new Map([
  [400, "BadRequest"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "NotFound"],
  [405, "MethodNotAllowed"],
  [406, "NotAcceptable"],
  [409, "Conflict"],
  [410, "Expired"],
  [413, "RequestEntityTooLarge"],
  [415, "UnsupportedMediaType"],
  [422, "Invalid"],
  [429, "TooManyRequests"],
  [500, "InternalError"],
  [503, "ServiceUnavailable"],
  [504, "Timeout"],
]);

const reasonOf = (code: number): string => REASONS.get(code) ?? "Unknown";

/** No answer: the server can't be reached, or the connection broke. */
export class ConnectionError extends Error {
  override name = "ConnectionError";
  /** True when the request can't have reached the server, so that repeating it is always safe. */
  readonly unsent: boolean;
  readonly errorCode: string | undefined;

  constructor(url: string, cause: NodeJS.ErrnoException) {
    super(`can't reach ${url}: ${cause.message || cause.code || "connection failed"}`, { cause });
    this.errorCode = cause.code;
    this.unsent = cause.code !== undefined && UNSENT.has(cause.code);
  }
}

/** System errors of connecting; nothing was written yet. */
const UNSENT: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

/** What was waited for did not come in time, or can't come any more. */
export class WaitError extends Error {
  override name = "WaitError";
  readonly reason: "Timeout" | "Impossible";

  constructor(reason: "Timeout" | "Impossible", message: string) {
    super(message);
    this.reason = reason;
  }
}

export const hasReason = (error: unknown, reason: string): error is GantryError =>
  error instanceof GantryError && error.reason === reason;
