// The operations of CloudWatch Logs that readers use.
import type {
  DescribeLogGroupsCommandInput,
  DescribeLogStreamsCommandInput,
  FilteredLogEvent,
  FilterLogEventsCommandInput,
  GetLogEventsCommandInput,
} from "@aws-sdk/client-cloudwatch-logs";
import type { Clock } from "../clock.ts";
import type { Faults } from "../faults.ts";
import { AwsError, invalidParameter } from "../wire/aws-error.ts";
import { eventBytes, type LogEvent, type LogStore, streamMark } from "./log-store.ts";

const MAX_EVENTS = 10_000;
const MAX_BYTES = 1024 * 1024;
const MAX_FILTER_STREAMS = 100;
const MAX_DESCRIBED = 50;
const TOKEN_LIFE_MS = 24 * 3_600_000;

const notFound = (what: string): AwsError =>
  new AwsError("ResourceNotFoundException", `The specified ${what} does not exist.`);

const limitOf = (limit: number | undefined, most: number): number => {
  const size = limit ?? most;
  if (!Number.isInteger(size) || size < 1 || size > most) {
    throw invalidParameter(`limit must be between 1 and ${most}.`);
  }
  return size;
};

/** A place in a stream: `f/` reads on from it, `b/` reads back from it. */
interface Cursor {
  readonly direction: "f" | "b";
  readonly mark: string;
  readonly position: number;
  readonly mintedAtMs: number;
  /** Tells tokens of the same place apart: a page without events is not the end. */
  readonly nonce: number;
}

const encodeCursor = ({ direction, mark, position, mintedAtMs, nonce }: Cursor): string =>
  `${direction}/${mark}${String(position).padStart(16, "0")}${mintedAtMs}/${nonce}`;

const decodeCursor = (token: string): Cursor => {
  const [, direction, mark = "", position, mintedAtMs, nonce] =
    /^([fb])\/([0-9a-f]{12})(\d{16})(\d+)\/(\d+)$/.exec(token) ?? [];
  if (direction !== "f" && direction !== "b") {
    throw invalidParameter("The specified nextToken is invalid.");
  }
  return {
    direction,
    mark,
    position: Number(position),
    mintedAtMs: Number(mintedAtMs),
    nonce: Number(nonce),
  };
};

/** As many of the events as fit a page, from the front or from the back. */
const fitting = (
  events: readonly LogEvent[],
  limit: number,
  fromFront: boolean,
): { readonly from: number; readonly to: number } => {
  let bytes = 0;
  let count = 0;
  while (count < Math.min(limit, events.length)) {
    const event = events[fromFront ? count : events.length - 1 - count];
    bytes += event === undefined ? 0 : eventBytes(event);
    if (bytes > MAX_BYTES && count > 0) break;
    count += 1;
  }
  return fromFront ? { from: 0, to: count } : { from: events.length - count, to: events.length };
};

/** Terms that must all be in the message: the part of the pattern language that is served. */
const matcher = (pattern: string | undefined): ((message: string) => boolean) => {
  if (pattern === undefined || pattern === "") return () => true;
  if (/^[[{%]|\s[?-]|^[?-]/.test(pattern)) {
    throw invalidParameter("Invalid filter pattern: this server knows plain terms only.");
  }
  const terms = [...pattern.matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? "",
  );
  return (message) => terms.every((term) => message.includes(term));
};

const within = (event: LogEvent, startTime: number | undefined, endTime: number | undefined) =>
  event.timestamp >= (startTime ?? 0) && event.timestamp < (endTime ?? Number.POSITIVE_INFINITY);

export class LogOperations {
  readonly #store: LogStore;
  readonly #clock: Clock;
  readonly #faults: Faults;
  #nonce = 0;

  constructor(store: LogStore, clock: Clock, faults: Faults) {
    this.#store = store;
    this.#clock = clock;
    this.#faults = faults;
  }

  #group(name: string | undefined, identifier: string | undefined): string {
    if ((name === undefined) === (identifier === undefined)) {
      throw invalidParameter("Exactly one of logGroupName and logGroupIdentifier is required.");
    }
    const group = name ?? identifier?.split(":log-group:").at(-1)?.replace(/:\*$/, "") ?? "";
    if (!this.#store.hasGroup(group)) throw notFound("log group");
    return group;
  }

  getLogEvents(input: GetLogEventsCommandInput) {
    const group = this.#group(input.logGroupName, input.logGroupIdentifier);
    const name = input.logStreamName ?? "";
    const all = this.#store.visible(group, name);
    if (all === undefined) throw notFound("log stream");
    const limit = limitOf(input.limit, MAX_EVENTS);
    const mark = streamMark(group, name);
    const nowMs = this.#clock.nowMs();
    const given = input.nextToken === undefined ? undefined : decodeCursor(input.nextToken);
    if (given !== undefined && given.mark !== mark) {
      throw invalidParameter("The specified nextToken is for another log stream.");
    }
    if (given !== undefined && nowMs - given.mintedAtMs > TOKEN_LIFE_MS) {
      throw invalidParameter("The specified nextToken has expired.");
    }
    const forward = given === undefined ? input.startFromHead === true : given.direction === "f";
    const token = (direction: "f" | "b", position: number): string => {
      const same = given?.direction === direction && given.position === position;
      // The end is where the token comes back as it was sent.
      if (same && input.nextToken !== undefined) return input.nextToken;
      return encodeCursor({ direction, mark, position, mintedAtMs: nowMs, nonce: 0 });
    };
    const low = given !== undefined && forward ? given.position : 0;
    const high = given !== undefined && !forward ? given.position : all.length;
    const matching = all.flatMap((event, position) =>
      position >= low && position < high && within(event, input.startTime, input.endTime)
        ? [{ event, position }]
        : [],
    );
    if (matching.length > 0 && this.#faults.ofLogPage(name)?.fault === "emptyPage") {
      const position = forward ? low : high;
      const nonce = ++this.#nonce;
      const next = encodeCursor({
        direction: forward ? "f" : "b",
        mark,
        position,
        mintedAtMs: nowMs,
        nonce,
      });
      const other = token(forward ? "b" : "f", position);
      return {
        events: [],
        nextForwardToken: forward ? next : other,
        nextBackwardToken: forward ? other : next,
      };
    }
    const { from, to } = fitting(
      matching.map(({ event }) => event),
      limit,
      forward,
    );
    const page = matching.slice(from, to);
    const first = page[0]?.position ?? (forward ? low : high);
    const last = page.at(-1)?.position;
    const end = last === undefined ? (forward ? low : high) : last + 1;
    return {
      events: page.map(({ event }) => ({ ...event })),
      nextForwardToken: token("f", end),
      nextBackwardToken: token("b", first),
    };
  }

  filterLogEvents(input: FilterLogEventsCommandInput) {
    const group = this.#group(input.logGroupName, input.logGroupIdentifier);
    const { logStreamNames, logStreamNamePrefix } = input;
    if (logStreamNames !== undefined && logStreamNamePrefix !== undefined) {
      throw invalidParameter("logStreamNames and logStreamNamePrefix exclude each other.");
    }
    if ((logStreamNames ?? []).length > MAX_FILTER_STREAMS) {
      throw invalidParameter(`logStreamNames can have at most ${MAX_FILTER_STREAMS} entries.`);
    }
    const matches = matcher(input.filterPattern);
    const limit = limitOf(input.limit, MAX_EVENTS);
    const names = this.#store
      .streams(group)
      .map(({ name }) => name)
      .filter(
        (name) => logStreamNames?.includes(name) ?? name.startsWith(logStreamNamePrefix ?? ""),
      );
    const unknown = logStreamNames?.find((name) => !names.includes(name));
    if (unknown !== undefined) throw notFound("log stream");
    const all: { readonly name: string; readonly at: number; readonly event: LogEvent }[] = names
      .flatMap((name) =>
        (this.#store.visible(group, name) ?? []).map((event, at) => ({ name, at, event })),
      )
      .filter(
        ({ event }) => within(event, input.startTime, input.endTime) && matches(event.message),
      )
      .toSorted((a, b) => a.event.timestamp - b.event.timestamp);
    const [, sent = "0"] = /^filter-(\d+)-\d+$/.exec(input.nextToken ?? "filter-0-0") ?? [];
    if (input.nextToken !== undefined && !/^filter-\d+-\d+$/.test(input.nextToken)) {
      throw invalidParameter("The specified nextToken is invalid.");
    }
    const offset = Number(sent);
    const rest = all.slice(offset);
    const empty = rest.length > 0 && this.#faults.ofLogPage(group)?.fault === "emptyPage";
    const { to } = empty
      ? { to: 0 }
      : fitting(
          rest.map(({ event }) => event),
          limit,
          true,
        );
    const end = offset + to;
    const events: FilteredLogEvent[] = rest.slice(0, to).map(({ name, at, event }) => ({
      ...event,
      logStreamName: name,
      eventId: `${streamMark(group, name)}${String(at).padStart(16, "0")}`,
    }));
    const nextToken = end < all.length ? `filter-${end}-${++this.#nonce}` : undefined;
    return { events, searchedLogStreams: [], nextToken };
  }

  describeLogStreams(input: DescribeLogStreamsCommandInput) {
    const group = this.#group(input.logGroupName, input.logGroupIdentifier);
    const byTime = input.orderBy === "LastEventTime";
    if (byTime && input.logStreamNamePrefix !== undefined) {
      throw invalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.");
    }
    const limit = limitOf(input.limit, MAX_DESCRIBED);
    const shown = this.#store
      .streams(group)
      .filter(({ name }) => name.startsWith(input.logStreamNamePrefix ?? ""))
      .map(({ name, createdAtMs }) => {
        const events = this.#store.visible(group, name) ?? [];
        return {
          logStreamName: name,
          creationTime: createdAtMs,
          firstEventTimestamp: events[0]?.timestamp,
          lastEventTimestamp: events.at(-1)?.timestamp,
          lastIngestionTime: events.at(-1)?.ingestionTime,
          arn: `arn:aws:logs:::log-group:${group}:log-stream:${name}`,
          storedBytes: 0,
        };
      })
      .toSorted((a, b) =>
        byTime
          ? (a.lastEventTimestamp ?? 0) - (b.lastEventTimestamp ?? 0)
          : a.logStreamName < b.logStreamName
            ? -1
            : 1,
      );
    const ordered = input.descending === true ? shown.toReversed() : shown;
    return this.#described("streams", "logStreams", ordered, input.nextToken, limit);
  }

  describeLogGroups(input: DescribeLogGroupsCommandInput) {
    const limit = limitOf(input.limit, MAX_DESCRIBED);
    const shown = this.#store
      .groups()
      .filter(({ name }) => name.startsWith(input.logGroupNamePrefix ?? ""))
      .map(({ name, createdAtMs }) => ({
        logGroupName: name,
        creationTime: createdAtMs,
        arn: `arn:aws:logs:::log-group:${name}:*`,
      }));
    return this.#described("groups", "logGroups", shown, input.nextToken, limit);
  }

  #described<K extends string, T>(
    kind: string,
    member: K,
    all: readonly T[],
    sent: string | undefined,
    limit: number,
  ): Record<K, T[]> & { nextToken: string | undefined } {
    const [, at] = new RegExp(`^${kind}-(\\d+)$`).exec(sent ?? `${kind}-0`) ?? [];
    if (at === undefined) throw invalidParameter("The specified nextToken is invalid.");
    const end = Number(at) + limit;
    const page = { [member]: all.slice(Number(at), end) } as Record<K, T[]>;
    return { ...page, nextToken: end < all.length ? `${kind}-${end}` : undefined };
  }
}
