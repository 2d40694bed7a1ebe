// Calls of ECS: each keeps to its rate bucket, and what is refused is judged by `classify`.
import { ECSServiceException } from "@aws-sdk/client-ecs";
import {
  type Classification,
  classify,
  type EcsSettings,
  type RateBucket,
  type Signal,
  usableBucket,
} from "@gantry/core";
import type { BucketLimit, RateBuckets } from "@gantry/store";
import type { Logger } from "pino";
import type { EcsCounters } from "./counters.ts";

/** Buckets are asked again no later than this. */
const BUCKET_WAIT_MAX_MS = 5_000;

const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 20_000;

/** Tries of a call that is not to wait for ever. */
export const FEW_TRIES = 6;

export class AbortedError extends Error {
  override name = "AbortedError";
}

/** A call that ECS refused, as `classify` judges it. */
export class RefusedCall extends Error {
  override name = "RefusedCall";
  readonly classification: Classification;
  readonly operation: string;
  /** Of a ConflictException: the tasks that its token has made. */
  readonly resourceIds: readonly string[];

  constructor(operation: string, classification: Classification, cause: unknown) {
    super(`${operation}: ${classification.message}`, { cause });
    this.operation = operation;
    this.classification = classification;
    const { resourceIds } = (cause ?? {}) as { resourceIds?: unknown };
    this.resourceIds = Array.isArray(resourceIds) ? resourceIds.map(String) : [];
  }
}

/** What an exception of the client says. */
export const errorSignal = (error: unknown, taskRoleArn?: string): Signal => {
  const { name = "Error", message = String(error) } = (error ?? {}) as Partial<Error>;
  const { $metadata } = (error ?? {}) as { $metadata?: { httpStatusCode?: number } };
  // Faults of the connection have their kind in `code`: ECONNRESET, ETIMEDOUT.
  const { code } = (error ?? {}) as { code?: unknown };
  const isOurs = error instanceof ECSServiceException || typeof code !== "string";
  return {
    kind: "error",
    name: isOurs ? name : code,
    message,
    statusCode: $metadata?.httpStatusCode,
    taskRoleArn,
  };
};

export interface EcsApiOptions {
  readonly settings: EcsSettings;
  readonly buckets: RateBuckets;
  readonly counters: EcsCounters;
  readonly log: Logger;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Aborted when the runtime closes: nothing waits any longer. */
  readonly closing: AbortSignal;
}

/** The account's limit for an operation, as far as Gantry uses it up. */
export const bucketLimit = (
  { region, rates }: Pick<EcsSettings, "region" | "rates">,
  bucket: RateBucket,
): BucketLimit => ({ name: `${region}:${bucket}`, ...usableBucket(rates, bucket) });

export class EcsApi {
  readonly #options: EcsApiOptions;

  constructor(options: EcsApiOptions) {
    this.#options = options;
  }

  limit(bucket: RateBucket): BucketLimit {
    return bucketLimit(this.#options.settings, bucket);
  }

  /** Waits for the bucket, then calls once. Throws RefusedCall. */
  async once<T>(operation: string, bucket: RateBucket, call: () => Promise<T>): Promise<T> {
    await this.#token(bucket);
    return this.attempt(operation, bucket, call);
  }

  /** Calls without waiting: the caller has a token. Throws RefusedCall. */
  async attempt<T>(
    operation: string,
    bucket: RateBucket,
    call: () => Promise<T>,
    taskRoleArn?: string,
  ): Promise<T> {
    const { counters, log, buckets } = this.#options;
    try {
      return await call();
    } catch (error) {
      const judged = classify(errorSignal(error, taskRoleArn));
      if (judged.unrecognized === true) {
        log.warn({ err: error, operation }, "ECS refused a call in words that are not known");
      }
      if (judged.class === "throttled") {
        counters.count("throttles", bucket);
        await buckets.slow(this.limit(bucket));
      }
      throw new RefusedCall(operation, judged, error);
    }
  }

  /** Calls until it is answered, or refused for good, or `tries` were in vain. */
  async patiently<T>(
    operation: string,
    bucket: RateBucket,
    call: () => Promise<T>,
    tries = Number.POSITIVE_INFINITY,
  ): Promise<T> {
    for (let n = 1; ; n++) {
      try {
        return await this.once(operation, bucket, call);
      } catch (error) {
        if (!(error instanceof RefusedCall) || !isPassing(error) || n >= tries) throw error;
        this.#options.log.debug({ err: error, operation }, "call of ECS is tried again");
      }
      await this.#pause(backoffMs(n), operation);
    }
  }

  async #token(bucket: RateBucket): Promise<void> {
    const limit = this.limit(bucket);
    for (;;) {
      const { granted, waitMs } = await this.#options.buckets.take([limit], 1);
      if (granted > 0) return;
      await this.#pause(Math.min(Math.max(waitMs, 10), BUCKET_WAIT_MAX_MS), bucket);
    }
  }

  async #pause(ms: number, what: string): Promise<void> {
    const { sleep, closing } = this.#options;
    await sleep(ms, closing);
    if (closing.aborted) throw new AbortedError(what);
  }
}

const isPassing = ({ classification }: RefusedCall): boolean =>
  classification.class === "throttled" || classification.class === "transient";

/** Doubling from the least to the most, each time by chance between half of it and all. */
export const backoffMs = (n: number, minMs = RETRY_MIN_MS, maxMs = RETRY_MAX_MS): number => {
  const full = Math.min(maxMs, minMs * 2 ** Math.min(n - 1, 20));
  return full / 2 + (full / 2) * Math.random();
};
