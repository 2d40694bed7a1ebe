// A standard queue: at least once, roughly in order, with visibility timeouts and a dead-letter
// queue.
import { createHash, randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";

export interface StoredMessage {
  readonly id: string;
  readonly body: string;
  readonly sentAtMs: number;
  firstReceivedAtMs: number | null;
  receives: number;
  /** Of the latest receive; deleting by an older one has no effect. */
  receipt: string | null;
  visibleAtMs: number;
}

/** Messages are kept this long: four days, as by default. */
export const RETENTION_SECONDS = 345_600;

export class Queue {
  readonly name: string;
  readonly visibilityTimeoutSeconds: number;
  readonly #clock: Clock;
  readonly #deadLetters: { readonly queue: Queue; readonly maxReceives: number } | null;
  readonly #messages = new Map<string, StoredMessage>();
  readonly #receipts = new Map<string, string>();
  readonly #waiting = new Set<() => void>();

  constructor(
    name: string,
    visibilityTimeoutSeconds: number,
    clock: Clock,
    deadLetters: { readonly queue: Queue; readonly maxReceives: number } | null,
  ) {
    this.name = name;
    this.visibilityTimeoutSeconds = visibilityTimeoutSeconds;
    this.#clock = clock;
    this.#deadLetters = deadLetters;
  }

  get deadLetters(): { readonly queue: Queue; readonly maxReceives: number } | null {
    return this.#deadLetters;
  }

  send(body: string, delayMs = 0): StoredMessage {
    const nowMs = this.#clock.nowMs();
    const message: StoredMessage = {
      id: randomUUID(),
      body,
      sentAtMs: nowMs,
      firstReceivedAtMs: null,
      receives: 0,
      receipt: null,
      visibleAtMs: nowMs + delayMs,
    };
    this.#messages.set(message.id, message);
    this.#wakeAt(message.visibleAtMs);
    return message;
  }

  #wakeAt(atMs: number): void {
    const wake = (): void => {
      for (const waiting of [...this.#waiting]) waiting();
    };
    const delayMs = atMs - this.#clock.nowMs();
    if (delayMs <= 0) wake();
    else this.#clock.after(delayMs, wake);
  }

  /** Takes what is visible, at most `max`, and hides it. */
  take(max: number, visibilitySeconds: number): StoredMessage[] {
    const nowMs = this.#clock.nowMs();
    const taken: StoredMessage[] = [];
    for (const message of this.#messages.values()) {
      if (taken.length === max) break;
      if (nowMs - message.sentAtMs > RETENTION_SECONDS * 1000) this.#messages.delete(message.id);
      else if (message.visibleAtMs <= nowMs && !this.#buried(message)) {
        message.receives += 1;
        message.firstReceivedAtMs ??= nowMs;
        message.receipt = randomUUID();
        message.visibleAtMs = nowMs + visibilitySeconds * 1000;
        this.#receipts.set(message.receipt, message.id);
        if (visibilitySeconds > 0) this.#wakeAt(message.visibleAtMs);
        taken.push(message);
      }
    }
    return taken;
  }

  #buried(message: StoredMessage): boolean {
    if (this.#deadLetters === null || message.receives < this.#deadLetters.maxReceives)
      return false;
    this.#messages.delete(message.id);
    this.#deadLetters.queue.send(message.body);
    return true;
  }

  /** Resolves when something may be there, when `ms` have passed, or when the caller has gone. */
  async wait(ms: number, gone: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        cancel();
        this.#waiting.delete(done);
        gone.removeEventListener("abort", done);
        resolve();
      };
      const cancel = this.#clock.after(ms, done);
      this.#waiting.add(done);
      gone.addEventListener("abort", done);
    });
  }

  /** False when no receive ever gave this handle. */
  delete(receipt: string): boolean {
    const id = this.#receipts.get(receipt);
    if (id === undefined) return false;
    if (this.#messages.get(id)?.receipt === receipt) this.#messages.delete(id);
    return true;
  }

  changeVisibility(receipt: string, seconds: number): "changed" | "unknown" | "notInFlight" {
    const id = this.#receipts.get(receipt);
    if (id === undefined) return "unknown";
    const message = this.#messages.get(id);
    const nowMs = this.#clock.nowMs();
    if (message?.receipt !== receipt || message.visibleAtMs <= nowMs) return "notInFlight";
    message.visibleAtMs = nowMs + seconds * 1000;
    this.#wakeAt(message.visibleAtMs);
    return "changed";
  }

  purge(): void {
    this.#messages.clear();
  }

  counts(): { readonly visible: number; readonly hidden: number; readonly delayed: number } {
    const nowMs = this.#clock.nowMs();
    const all = [...this.#messages.values()];
    const hidden = all.filter(({ visibleAtMs, receives }) => visibleAtMs > nowMs && receives > 0);
    const delayed = all.filter(
      ({ visibleAtMs, receives }) => visibleAtMs > nowMs && receives === 0,
    );
    const visible = all.length - hidden.length - delayed.length;
    return { visible, hidden: hidden.length, delayed: delayed.length };
  }
}

export const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
