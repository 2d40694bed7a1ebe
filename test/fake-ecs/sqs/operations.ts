// The operations of SQS that consumers use.
import type {
  ChangeMessageVisibilityBatchCommandInput,
  ChangeMessageVisibilityCommandInput,
  DeleteMessageBatchCommandInput,
  DeleteMessageCommandInput,
  GetQueueAttributesCommandInput,
  GetQueueUrlCommandInput,
  Message,
  PurgeQueueCommandInput,
  ReceiveMessageCommandInput,
  SendMessageCommandInput,
} from "@aws-sdk/client-sqs";
import type { Clock } from "../clock.ts";
import { AwsError } from "../wire/aws-error.ts";
import { md5, type Queue, RETENTION_SECONDS, type StoredMessage } from "./queue.ts";

const MAX_MESSAGES = 10;
const MAX_WAIT_SECONDS = 20;
const MAX_VISIBILITY_SECONDS = 43_200;
const MAX_BYTES = 1024 * 1024;

const noQueue = (): AwsError =>
  new AwsError("QueueDoesNotExist", "The specified queue does not exist.");

const within = (name: string, value: number | undefined, low: number, high: number): void => {
  if (value === undefined || (Number.isInteger(value) && value >= low && value <= high)) return;
  const text = `Value ${value} for parameter ${name} is invalid. Reason: Must be between ${low} and ${high}, if provided.`;
  throw new AwsError("InvalidParameterValue", text);
};

interface BatchEntry {
  readonly Id: string | undefined;
}

const batch = <E extends BatchEntry>(entries: readonly E[] | undefined): readonly E[] => {
  if (entries === undefined || entries.length === 0) {
    throw new AwsError("EmptyBatchRequest", "There should be at least one entry in the request.");
  }
  if (entries.length > MAX_MESSAGES) {
    const text = `Maximum number of entries per request are ${MAX_MESSAGES}. You have sent ${entries.length}.`;
    throw new AwsError("TooManyEntriesInBatchRequest", text);
  }
  const ids = entries.map(({ Id = "" }) => Id);
  const bad = ids.find((id) => !/^[A-Za-z0-9_-]{1,80}$/.test(id));
  if (bad !== undefined)
    throw new AwsError("InvalidBatchEntryId", `Invalid batch entry id: ${bad}`);
  if (new Set(ids).size !== ids.length) {
    throw new AwsError("BatchEntryIdsNotDistinct", "Ids of entries must be distinct.");
  }
  return entries;
};

const badHandle = (): AwsError =>
  new AwsError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.");

export class SqsOperations {
  readonly #queues: ReadonlyMap<string, Queue>;
  readonly #clock: Clock;
  readonly #urlOf: (name: string) => string;
  readonly #arnOf: (name: string) => string;

  constructor(
    queues: readonly Queue[],
    clock: Clock,
    urlOf: (name: string) => string,
    arnOf: (name: string) => string,
  ) {
    this.#queues = new Map(queues.map((queue) => [queue.name, queue]));
    this.#clock = clock;
    this.#urlOf = urlOf;
    this.#arnOf = arnOf;
  }

  #queue(url: string | undefined): Queue {
    const queue = this.#queues.get(url?.split("/").at(-1) ?? "");
    if (queue === undefined || url === undefined) throw noQueue();
    // Another account's queue of this name is another queue.
    if (new URL(url).pathname !== new URL(this.#urlOf(queue.name)).pathname) throw noQueue();
    return queue;
  }

  getQueueUrl({ QueueName = "" }: GetQueueUrlCommandInput) {
    if (!this.#queues.has(QueueName)) throw noQueue();
    return { QueueUrl: this.#urlOf(QueueName) };
  }

  getQueueAttributes({ QueueUrl, AttributeNames = [] }: GetQueueAttributesCommandInput) {
    const queue = this.#queue(QueueUrl);
    const { visible, hidden, delayed } = queue.counts();
    const all: Record<string, string> = {
      ApproximateNumberOfMessages: String(visible),
      ApproximateNumberOfMessagesNotVisible: String(hidden),
      ApproximateNumberOfMessagesDelayed: String(delayed),
      DelaySeconds: "0",
      MaximumMessageSize: String(MAX_BYTES),
      MessageRetentionPeriod: String(RETENTION_SECONDS),
      QueueArn: this.#arnOf(queue.name),
      ReceiveMessageWaitTimeSeconds: "0",
      VisibilityTimeout: String(queue.visibilityTimeoutSeconds),
    };
    if (queue.deadLetters !== null) {
      all["RedrivePolicy"] = JSON.stringify({
        deadLetterTargetArn: this.#arnOf(queue.deadLetters.queue.name),
        maxReceiveCount: queue.deadLetters.maxReceives,
      });
    }
    const wanted: readonly string[] = AttributeNames;
    const names = Object.keys(all).filter(
      (name) => wanted.includes("All") || wanted.includes(name),
    );
    if (names.length === 0) return {};
    return { Attributes: Object.fromEntries(names.map((name) => [name, all[name]])) };
  }

  async receiveMessage(input: ReceiveMessageCommandInput, gone: AbortSignal) {
    const queue = this.#queue(input.QueueUrl);
    const { MaxNumberOfMessages: max = 1, WaitTimeSeconds: waitSeconds = 0 } = input;
    within("MaxNumberOfMessages", max, 1, MAX_MESSAGES);
    within("WaitTimeSeconds", waitSeconds, 0, MAX_WAIT_SECONDS);
    within("VisibilityTimeout", input.VisibilityTimeout, 0, MAX_VISIBILITY_SECONDS);
    const visibility = input.VisibilityTimeout ?? queue.visibilityTimeoutSeconds;
    const endMs = this.#clock.nowMs() + waitSeconds * 1000;
    for (;;) {
      // A message that nobody is there to take stays visible.
      const taken = gone.aborted ? [] : queue.take(max, visibility);
      const leftMs = endMs - this.#clock.nowMs();
      if (taken.length > 0) return { Messages: taken.map((one) => shown(one, input)) };
      if (leftMs <= 0 || gone.aborted) return {};
      await queue.wait(leftMs, gone);
    }
  }

  deleteMessage({ QueueUrl, ReceiptHandle = "" }: DeleteMessageCommandInput) {
    if (!this.#queue(QueueUrl).delete(ReceiptHandle)) throw badHandle();
    return {};
  }

  deleteMessageBatch({ QueueUrl, Entries }: DeleteMessageBatchCommandInput) {
    const queue = this.#queue(QueueUrl);
    return this.#each(batch(Entries), ({ ReceiptHandle = "" }) =>
      queue.delete(ReceiptHandle) ? undefined : "ReceiptHandleIsInvalid",
    );
  }

  changeMessageVisibility(input: ChangeMessageVisibilityCommandInput) {
    within("VisibilityTimeout", input.VisibilityTimeout, 0, MAX_VISIBILITY_SECONDS);
    const { ReceiptHandle = "", VisibilityTimeout = 0 } = input;
    switch (this.#queue(input.QueueUrl).changeVisibility(ReceiptHandle, VisibilityTimeout)) {
      case "unknown":
        throw badHandle();
      case "notInFlight":
        throw new AwsError("MessageNotInflight", "The specified message isn't in flight.");
      case "changed":
        return {};
    }
  }

  changeMessageVisibilityBatch({ QueueUrl, Entries }: ChangeMessageVisibilityBatchCommandInput) {
    const queue = this.#queue(QueueUrl);
    return this.#each(batch(Entries), ({ ReceiptHandle = "", VisibilityTimeout = 0 }) => {
      const outcome = queue.changeVisibility(ReceiptHandle, VisibilityTimeout);
      if (outcome === "changed") return undefined;
      return outcome === "unknown" ? "ReceiptHandleIsInvalid" : "MessageNotInflight";
    });
  }

  #each<E extends BatchEntry>(entries: readonly E[], run: (entry: E) => string | undefined) {
    const Successful: { Id: string }[] = [];
    const Failed: { Id: string; SenderFault: boolean; Code: string }[] = [];
    for (const entry of entries) {
      const Code = run(entry);
      const Id = entry.Id ?? "";
      if (Code === undefined) Successful.push({ Id });
      else Failed.push({ Id, SenderFault: true, Code });
    }
    return { Successful, Failed };
  }

  purgeQueue({ QueueUrl }: PurgeQueueCommandInput) {
    this.#queue(QueueUrl).purge();
    return {};
  }

  sendMessage({ QueueUrl, MessageBody = "", DelaySeconds = 0 }: SendMessageCommandInput) {
    const queue = this.#queue(QueueUrl);
    if (MessageBody === "" || Buffer.byteLength(MessageBody) > MAX_BYTES) {
      throw new AwsError(
        "InvalidParameterValue",
        "One or more parameters are invalid: MessageBody.",
      );
    }
    const { id } = queue.send(MessageBody, DelaySeconds * 1000);
    return { MessageId: id, MD5OfMessageBody: md5(MessageBody) };
  }
}

const shown = (message: StoredMessage, input: ReceiveMessageCommandInput): Message => {
  const attributes: Record<string, string> = {
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAtMs),
    ApproximateReceiveCount: String(message.receives),
    SenderId: "events.amazonaws.com",
    SentTimestamp: String(message.sentAtMs),
  };
  const wanted: readonly string[] = [
    ...(input.MessageSystemAttributeNames ?? []),
    ...(input.AttributeNames ?? []),
  ];
  const names = Object.keys(attributes).filter(
    (one) => wanted.includes("All") || wanted.includes(one),
  );
  return {
    MessageId: message.id,
    ReceiptHandle: message.receipt ?? "",
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...(names.length === 0
      ? {}
      : { Attributes: Object.fromEntries(names.map((name) => [name, attributes[name] ?? ""])) }),
  };
};
