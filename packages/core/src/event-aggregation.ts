// Which Event to create, repeat or drop (R76): what keeps a failing Job from flooding the store.
//   1. many messages of one kind are told as one ("combined from similar events")
//   2. what was told before is counted, not told again
//   3. a token bucket limits what one source may tell about one object
// The state is that of one source and object; it is small, and a lost one costs only repetition.
import { blank } from "./apimachinery/blank.ts";
import { rfc3339 } from "./apimachinery/time.ts";
import { eventName, eventObject, unixNanoseconds } from "./event-object.ts";
import type { ControllerEvent, NewEvent } from "./event-object.ts";

/** This many different messages of one type and reason within the interval are combined. */
const MAX_SIMILAR = 10;
/** Similar messages farther apart than this are not combined. */
const SIMILAR_INTERVAL_MS = 600_000;
/** Tokens of a fresh source and object. */
const BURST = 25;
const REFILL_MS = 300_000;
/** Events remembered for counting; the bucket lets through far fewer within the hour an Event lives. */
const MAX_TOLD = 64;
/** Kinds (type, reason) remembered for combining; controllers have a dozen reasons. */
const MAX_KINDS = 32;

const COMBINED = "(combined from similar events): ";

interface Told {
  readonly name: string;
  readonly count: number;
  /** RFC 3339. */
  readonly firstTimestamp: string;
}

interface Similar {
  readonly messages: readonly string[];
  readonly lastMs: number;
}

/** Plain data. Entries stand in order of use, the latest last. */
export interface EventState {
  readonly tokens: number;
  readonly refilledAtMs: number;
  readonly told: readonly (readonly [key: string, told: Told])[];
  readonly similar: readonly (readonly [kind: string, similar: Similar])[];
  /** The latest name given, so that two events of one millisecond differ. */
  readonly named: { readonly atMs: number; readonly extraNs: number };
  readonly offsetNs: number;
}

/** `offsetNs`, below a million: keeps apart what different sources tell in one millisecond. */
export const newEventState = (nowMs: number, offsetNs = 0): EventState => ({
  tokens: BURST,
  refilledAtMs: nowMs,
  told: [],
  similar: [],
  named: { atMs: 0, extraNs: offsetNs },
  offsetNs,
});

/** `patch`: set count, lastTimestamp and message; store `event` whole if there is none of that name. */
export type EventAction =
  | { readonly kind: "create"; readonly event: ControllerEvent }
  | {
      readonly kind: "patch";
      readonly event: ControllerEvent;
      readonly patch: {
        readonly count: number;
        readonly lastTimestamp: string;
        readonly message: string;
      };
    }
  | { readonly kind: "drop" };

type Entries<V> = readonly (readonly [string, V])[];

const lookUp = <V>(entries: Entries<V>, key: string): V | undefined =>
  entries.find(([known]) => known === key)?.[1];

/** The entry becomes the latest; the one unused for longest gives way. */
const remember = <V>(entries: Entries<V>, key: string, value: V, max: number): Entries<V> =>
  [...entries.filter(([known]) => known !== key), [key, value] as const].slice(-max);

/** Adds the message to those of its kind; tells whether they are to be combined from now on. */
function combine(
  state: EventState,
  kind: string,
  message: string,
  nowMs: number,
): { similar: EventState["similar"]; combined: boolean } {
  const before = lookUp(state.similar, kind);
  const recent = before !== undefined && nowMs - before.lastMs <= SIMILAR_INTERVAL_MS;
  const known = recent ? before.messages : [];
  const isNew = !known.includes(message);
  const combined = isNew && known.length + 1 >= MAX_SIMILAR;
  // The message that is one too many is not kept: the first nine stay told one by one.
  const messages = isNew && !combined ? [...known, message] : known;
  const similar = remember(state.similar, kind, { messages, lastMs: nowMs }, MAX_KINDS);
  return { similar, combined };
}

function takeToken(state: EventState, nowMs: number): { tokens: number; taken: boolean } {
  const elapsedMs = Math.max(0, nowMs - state.refilledAtMs);
  const tokens = Math.min(BURST, state.tokens + elapsedMs / REFILL_MS);
  return tokens >= 1 ? { tokens: tokens - 1, taken: true } : { tokens, taken: false };
}

function nextName(state: EventState, nowMs: number): EventState["named"] {
  const atMs = Math.max(Math.floor(nowMs), state.named.atMs);
  return { atMs, extraNs: atMs === state.named.atMs ? state.named.extraNs + 1 : state.offsetNs };
}

/**
 * One occurrence. `state` is that of this source (component, host) and involved object; what is
 * returned replaces it, also when the event is dropped: what nobody was told still counts.
 */
export function correlateEvent(
  state: EventState,
  event: NewEvent,
  nowMs: number,
): { readonly action: EventAction; readonly state: EventState } {
  const kind = `${event.type}/${event.reason}`;
  const { similar, combined } = combine(state, kind, event.message, nowMs);
  const message = combined ? `${COMBINED}${event.message}` : event.message;
  const key = combined ? kind : `${kind}/${event.message}`;
  const before = lookUp(state.told, key);
  const named = before === undefined ? nextName(state, nowMs) : state.named;
  const name =
    before?.name ??
    eventName(event.involvedObject.name ?? "", unixNanoseconds(named.atMs, named.extraNs));
  const count = (before?.count ?? 0) + 1;
  const firstTimestamp = before?.firstTimestamp ?? rfc3339(nowMs);
  const { tokens, taken } = takeToken(state, nowMs);
  const told = remember(state.told, key, { name, count, firstTimestamp }, MAX_TOLD);
  const refilledAtMs = Math.max(nowMs, state.refilledAtMs);
  const next: EventState = { ...blank, ...state, tokens, refilledAtMs, told, similar, named };
  if (!taken) return { action: { kind: "drop" }, state: next };
  const fresh = eventObject({ ...blank, ...event, message }, name, nowMs);
  const whole: ControllerEvent = { ...blank, ...fresh, firstTimestamp, count };
  if (before === undefined) return { action: { kind: "create", event: whole }, state: next };
  const patch = { count, lastTimestamp: rfc3339(nowMs), message };
  return { action: { kind: "patch", event: whole, patch }, state: next };
}
