// RunTask's idempotency: what a token first answered is what it answers again, while it is
// remembered.
import type { Failure } from "@aws-sdk/client-ecs";
import type { Clock } from "../clock.ts";
import { AwsError } from "../wire/aws-error.ts";
import type { TaskRecord } from "./task-record.ts";

const MAX_AGE_MS = 24 * 3_600_000;
/** A token outlives the last of its tasks by this much. */
const AFTER_STOP_MS = 3_600_000;

interface Remembered {
  readonly parameters: string;
  readonly atMs: number;
  readonly tasks: readonly TaskRecord[];
  readonly failures: readonly Failure[];
}

/** Members in a fixed order, so that equal parameters are equal text. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );

export class ClientTokens {
  readonly #clock: Clock;
  readonly #remembered = new Map<string, Remembered>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  #expired({ atMs, tasks }: Remembered): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs - atMs >= MAX_AGE_MS) return true;
    return (
      tasks.length > 0 &&
      tasks.every(({ stoppedAtMs }) => stoppedAtMs !== null && nowMs - stoppedAtMs >= AFTER_STOP_MS)
    );
  }

  /** What the token answered; throws ConflictException when it was used with other parameters. */
  recall(cluster: string, token: string, input: Readonly<Record<string, unknown>>) {
    const key = `${cluster} ${token}`;
    const found = this.#remembered.get(key);
    if (found === undefined) return undefined;
    if (this.#expired(found)) {
      this.#remembered.delete(key);
      return undefined;
    }
    if (found.parameters !== canonical(input)) {
      const text = "The client token was already used with different parameters.";
      const resourceIds = found.tasks.map(({ arn }) => arn);
      throw new AwsError("ConflictException", text, { members: { resourceIds } });
    }
    return found;
  }

  remember(
    cluster: string,
    token: string,
    input: Readonly<Record<string, unknown>>,
    tasks: readonly TaskRecord[],
    failures: readonly Failure[],
  ): void {
    const parameters = canonical(input);
    const atMs = this.#clock.nowMs();
    this.#remembered.set(`${cluster} ${token}`, { parameters, atMs, tasks, failures });
  }
}
