// Who may see the pages: the token, or a cookie that was given for it.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** How long a login lasts. */
export const SESSION_SECONDS = 12 * 60 * 60;

const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac("sha256", key).update(text).digest();

export class Sessions {
  /** Derived from the token, so that a cookie outlives a restart but not a change of the token. */
  readonly #key: Buffer;
  readonly #compareKey = randomBytes(32);
  readonly #token: Buffer;

  constructor(token: string) {
    this.#key = hmac(token, "gantry ops session");
    this.#token = hmac(this.#compareKey, token);
  }

  /** In constant time. */
  isToken(given: string): boolean {
    return timingSafeEqual(hmac(this.#compareKey, given), this.#token);
  }

  /** The value of a cookie that is good until SESSION_SECONDS from now. */
  issue(nowMs: number): string {
    const expiry = String(nowMs + SESSION_SECONDS * 1000);
    return `${expiry}.${hmac(this.#key, expiry).toString("base64url")}`;
  }

  isValid(cookie: string, nowMs: number): boolean {
    const dot = cookie.indexOf(".");
    const expiry = cookie.slice(0, Math.max(dot, 0));
    const given = Buffer.from(cookie.slice(dot + 1), "base64url");
    const expected = hmac(this.#key, expiry);
    return (
      given.length === expected.length && timingSafeEqual(given, expected) && Number(expiry) > nowMs
    );
  }
}
