// Task events: taken from SQS by any worker, made durable, and passed on to the one with the Pod.
import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { type EcsSettings, type EcsTask, startedBy, taskFrom } from "@gantry/core";
import { connect, recordSeenTask, type Store, suffix } from "@gantry/store";
import type { Logger } from "pino";
import type { EcsCounters } from "./counters.ts";
import { backoffMs } from "./ecs-api.ts";

const RECEIVE_MAX = 10;
const LONG_POLL_SECONDS = 20;
/** Long polls side by side: one is handled while another waits. */
const CONSUMERS = 2;

const READ_BLOCK_MS = 10_000;
const READ_RETRY_MS = 500;
const READ_MAX = 500;

const DETAIL_TYPE = "ECS Task State Change";

export interface TaskEventsOptions {
  readonly settings: EcsSettings;
  readonly store: Store;
  readonly sqs: SQSClient;
  readonly counters: EcsCounters;
  readonly log: Logger;
  readonly now: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** A newer state of a task of some worker's Pod. */
  readonly onTask: (task: EcsTask) => void;
}

interface Told {
  readonly task: EcsTask;
  readonly updatedAtMs: number | undefined;
}

interface RawEvent {
  readonly "detail-type"?: unknown;
  readonly detail?: { readonly updatedAt?: unknown } | null;
}

/** `undefined`: it is no event of a task; whoever sends such messages has to know. */
const parse = (body: string): Told | undefined => {
  let event: RawEvent | null;
  try {
    event = JSON.parse(body) as RawEvent | null;
  } catch {
    return undefined;
  }
  if (event?.["detail-type"] !== DETAIL_TYPE) return undefined;
  const task = taskFrom(event.detail);
  if (task === undefined) return undefined;
  const updatedAtMs = Date.parse(String(event.detail?.updatedAt));
  return { task, updatedAtMs: Number.isNaN(updatedAtMs) ? undefined : updatedAtMs };
};

export class TaskEvents {
  readonly #options: TaskEventsOptions;
  readonly #closed = new AbortController();
  readonly #loops: Promise<void>[] = [];
  #reader: ReturnType<typeof connect> | undefined;

  constructor(options: TaskEventsOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { settings, store } = this.#options;
    const { queueUrl } = settings.watch;
    // Other workers may consume where this one does not: its Pods' events are read in any case.
    const stream = store.key(suffix.ecsEvents);
    const last = await store.redis.xrevrange(stream, "+", "-", "COUNT", 1);
    this.#loops.push(this.#read(stream, last[0]?.[0] ?? "0-0"));
    if (queueUrl === undefined) return;
    for (let n = 0; n < CONSUMERS; n++) this.#loops.push(this.#consume(queueUrl));
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#reader?.disconnect();
    await Promise.all(this.#loops);
  }

  async #read(stream: string, from: string): Promise<void> {
    const { store, log, onTask, sleep } = this.#options;
    const reader = connect(store.connection);
    this.#reader = reader;
    let position = from;
    while (!this.#closed.signal.aborted) {
      try {
        const reply = await reader.xread(
          ...(["COUNT", READ_MAX, "BLOCK", READ_BLOCK_MS, "STREAMS", stream, position] as const),
        );
        for (const [id, fields] of reply?.[0]?.[1] ?? []) {
          position = id;
          onTask(JSON.parse(fields[5] ?? "{}") as EcsTask);
        }
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        log.debug({ err: error }, "task events could not be read; trying again");
        await sleep(READ_RETRY_MS, this.#closed.signal);
      }
    }
  }

  async #consume(queueUrl: string): Promise<void> {
    const { sqs, log, sleep } = this.#options;
    const { signal } = this.#closed;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: queueUrl,
            MaxNumberOfMessages: RECEIVE_MAX,
            WaitTimeSeconds: LONG_POLL_SECONDS,
          }),
          { abortSignal: signal },
        );
        await this.#handle(queueUrl, Messages);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        log.warn({ err: error, failures }, "the queue of task events could not be read");
        await sleep(backoffMs(failures), signal);
      }
    }
  }

  /** Messages whose effect is durable are deleted; the queue sends the others again. */
  async #handle(queueUrl: string, messages: readonly Message[]): Promise<void> {
    if (messages.length === 0) return;
    const done = await Promise.all(messages.map((message) => this.#take(message)));
    const Entries = messages.flatMap(({ ReceiptHandle }, n) =>
      done[n] === true ? [{ Id: String(n), ReceiptHandle }] : [],
    );
    if (Entries.length === 0) return;
    // What stays for a fault here comes again, and is known by then.
    await this.#options.sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  }

  /** Whether its effect is durable; what can't be read is left to the dead-letter queue. */
  async #take({ Body = "", MessageId }: Message): Promise<boolean> {
    const { store, counters, log, now, settings } = this.#options;
    const told = parse(Body);
    if (told === undefined) {
      counters.count("events", "malformed");
      log.error({ messageId: MessageId }, `a message is no event of type "${DETAIL_TYPE}"`);
      return false;
    }
    const { task, updatedAtMs } = told;
    if (task.startedBy !== startedBy(settings) || task.owner === undefined) {
      counters.count("events", "foreign");
      return true;
    }
    try {
      counters.count("events", await recordSeenTask(store, task.owner.podUid, task));
      if (updatedAtMs !== undefined) counters.eventLag(now() - updatedAtMs);
      return true;
    } catch (error) {
      log.warn({ err: error }, "a task event could not be kept; the queue sends it again");
      return false;
    }
  }
}
