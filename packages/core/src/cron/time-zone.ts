// Time zones by IANA name (A7): which names there are, and the offset from UTC at a moment.
import { invariant } from "../apimachinery/invariant.ts";
import { civil } from "../apimachinery/time.ts";
import { timeZoneNames } from "./time-zone-names.ts";

/** Case matters. `Local` and the empty name are none (Kubernetes refuses both in spec.timeZone). */
export const isKnownTimeZone = (name: string): boolean => zoneOf(name) !== undefined;

/** Why a name is no time zone, as Go says it; undefined if it is one. */
export function timeZoneProblem(name: string): string | undefined {
  if (isKnownTimeZone(name) || name === "Local") return undefined;
  const climbs = name.split(/[/\\]/).includes("..") || /^[/\\]/.test(name);
  return climbs ? "time: invalid location name" : `unknown time zone ${name}`;
}

/** A span without a change of offset: from the moment asked for until (exclusive) `untilSeconds`. */
export interface OffsetSpan {
  /** Seconds to add to UTC. */
  readonly offsetSeconds: number;
  /** Unix seconds; Infinity for UTC. The offset need not change there. */
  readonly untilSeconds: number;
}

interface Block {
  readonly startOffset: number;
  /** First second of the new offset, and that offset; absent where the block has one offset. */
  readonly change?: { readonly atSeconds: number; readonly offset: number };
}

/**
 * Offsets are looked up at the ends of a block, so a block must not hold two changes: since 1970 no
 * two changes of any zone lie nearer than six days (America/Recife, October 2000).
 */
const BLOCK_SECONDS = 4 * 86_400;
/** Five years of blocks (the farthest a search for the next time goes) and room. */
const MAX_BLOCKS = 600;

const offsetText = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/;

class Zone {
  readonly #format: Intl.DateTimeFormat;
  readonly #blocks = new Map<number, Block>();

  constructor(format: Intl.DateTimeFormat) {
    this.#format = format;
  }

  spanAt(seconds: number): OffsetSpan {
    const index = Math.floor(seconds / BLOCK_SECONDS);
    const block = this.#block(index);
    const end = (index + 1) * BLOCK_SECONDS;
    const { change } = block;
    if (change === undefined) return { offsetSeconds: block.startOffset, untilSeconds: end };
    if (seconds < change.atSeconds) {
      return { offsetSeconds: block.startOffset, untilSeconds: change.atSeconds };
    }
    return { offsetSeconds: change.offset, untilSeconds: end };
  }

  #block(index: number): Block {
    const known = this.#blocks.get(index);
    if (known !== undefined) return known;
    const block = this.#readBlock(index * BLOCK_SECONDS, (index + 1) * BLOCK_SECONDS);
    if (this.#blocks.size >= MAX_BLOCKS) this.#blocks.clear();
    this.#blocks.set(index, block);
    return block;
  }

  #readBlock(start: number, end: number): Block {
    const startOffset = this.#offset(start);
    const offset = this.#offset(end);
    if (startOffset === offset) return { startOffset };
    let before = start;
    let after = end;
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (this.#offset(middle) === startOffset) before = middle;
      else after = middle;
    }
    return { startOffset, change: { atSeconds: after, offset } };
  }

  #offset(seconds: number): number {
    const match = offsetText.exec(this.#format.format(seconds * 1000));
    invariant(match !== null, "Intl prints a long offset as GMT or GMT+hh:mm");
    const [, sign, hours = "0", minutes = "0", rest = "0"] = match;
    const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);
    return sign === "-" ? -size : size;
  }
}

const UTC_SPAN: OffsetSpan = { offsetSeconds: 0, untilSeconds: Number.POSITIVE_INFINITY };
/** Names that Intl resolves to UTC, for which nothing needs to be asked. */
const utcNames = new Set(["UTC", "Etc/UTC", "Local"]);

/** One formatter a zone: making one costs far more than using it. Bounded by the number of names. */
const zones = new Map<string, Zone>();

function zoneOf(name: string): Zone | undefined {
  const known = zones.get(name);
  if (known !== undefined) return known;
  if (!timeZoneNames.has(name)) return undefined;
  try {
    const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
    const zone = new Zone(format);
    zones.set(name, zone);
    return zone;
  } catch {
    // The runtime's data is older than the list of names.
    return undefined;
  }
}

/**
 * The offset in force at a moment and until when it surely holds. `name` must be known, or `Local`,
 * which is UTC: schedules without a time zone run in it (A7).
 */
export function offsetSpan(name: string, seconds: number): OffsetSpan {
  if (utcNames.has(name)) return UTC_SPAN;
  const zone = zoneOf(name);
  invariant(zone !== undefined, `time zone ${name} was checked before`);
  return zone.spanAt(seconds);
}

const pad = (n: number, width = 2): string => String(n).padStart(width, "0");

/** RFC 3339 with whole seconds in local time of a zone: `2022-05-19T19:00:00+09:00` (C2). */
export function rfc3339In(ms: number, zone: string): string {
  const seconds = Math.floor(ms / 1000);
  const { offsetSeconds } = offsetSpan(zone, seconds);
  const local = seconds + offsetSeconds;
  const days = Math.floor(local / 86_400);
  const { year, month, day } = civil(days);
  const clock = local - days * 86_400;
  const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`;
  const time = `${pad(Math.floor(clock / 3600))}:${pad(Math.floor(clock / 60) % 60)}:${pad(clock % 60)}`;
  if (offsetSeconds === 0) return `${date}T${time}Z`;
  const size = Math.floor(Math.abs(offsetSeconds) / 60);
  const sign = offsetSeconds < 0 ? "-" : "+";
  return `${date}T${time}${sign}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}
