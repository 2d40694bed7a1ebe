// The processes of an installation: each tells that it is there, and learns when it must not go on.
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { FORMAT, StoreVersionError } from "./format.ts";
import { suffix } from "./keys.ts";
import { repeat, type WarnLog } from "./repeat.ts";
import { script } from "./script.ts";
import { settleWithin } from "./settle-within.ts";
import type { Store } from "./store.ts";

const presenceScript = script("presence");

export const PRESENCE_EVERY_MS = 10_000;

/** A process that was silent for so long is dropped from the list. */
const GONE_AFTER_MS = 60_000;

/** Whoever leaves while the server is gone is dropped like one that died. */
const LEAVE_MS = 2_000;

/** What a process says of itself. */
export interface Presence {
  readonly role: "api" | "scheduler" | "worker";
  /** A worker's Node. */
  readonly name?: string;
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  /** Unix milliseconds. */
  readonly startedAtMs: number;
  /** `MAJOR.MINOR` of the stored formats that it knows. */
  readonly format: string;
  /** How far its clock is ahead of the server's, in milliseconds. */
  readonly skewMs: number;
}

export interface Member extends Presence {
  readonly id: string;
  /** When it was last here, by the server's clock. */
  readonly seenAtMs: number;
}

export interface PresenceOptions {
  readonly role: Presence["role"];
  readonly name?: string;
  readonly version: string;
  readonly log: WarnLog;
  /** A newer Gantry has taken the store: this process must stop. Called once. */
  readonly onIncompatible: (error: StoreVersionError) => void;
  /** Another server answers than before, and it may have lost the last writes. */
  readonly onMoved?: () => void;
}

const beat = async (
  store: Store,
  id: string,
  text: string,
): Promise<{ readonly serverMs: number; readonly members: Member[] }> => {
  const [serverMs = "0", ...flat] = (await presenceScript.run(
    store.redis,
    [store.key(suffix.members)],
    [id, text, GONE_AFTER_MS],
  )) as string[];
  const members: Member[] = [];
  for (let n = 0; n + 1 < flat.length; n += 2) {
    const member = parse(flat[n] ?? "", flat[n + 1] ?? "");
    if (member !== null) members.push(member);
  }
  return { serverMs: Number(serverMs), members };
};

/** `null`: written by hand, or by a Gantry that says other things. */
const parse = (id: string, value: string): Member | null => {
  const space = value.indexOf(" ");
  try {
    const said = JSON.parse(value.slice(space + 1)) as Presence;
    return { ...said, id, seenAtMs: Number(value.slice(0, space)) };
  } catch {
    return null;
  }
};

/** Who was here within the last minute, and the server's clock. */
export const members = (
  store: Store,
): Promise<{ readonly serverMs: number; readonly members: readonly Member[] }> =>
  beat(store, "", "?");

export interface OpenPresence {
  close(): Promise<void>;
}

/** Tells that this process is there until it is closed. */
export const openPresence = async (
  store: Store,
  options: PresenceOptions,
): Promise<OpenPresence> => {
  const id = randomUUID();
  const { role, name, version, log } = options;
  const said: Omit<Presence, "skewMs"> = {
    role,
    ...(name === undefined ? {} : { name }),
    version,
    host: hostname(),
    pid: process.pid,
    startedAtMs: Date.now(),
    format: `${FORMAT.major}.${FORMAT.minor}`,
  };
  let skewMs = 0;
  const tell = async (): Promise<void> => {
    const before = Date.now();
    const { serverMs } = await beat(store, id, JSON.stringify({ ...said, skewMs }));
    skewMs = Math.round((before + Date.now()) / 2 - serverMs);
  };
  let refused = false;
  const look = async (): Promise<void> => {
    try {
      if ((await store.open()).moved) options.onMoved?.();
    } catch (error) {
      if (!(error instanceof StoreVersionError)) throw error;
      if (!refused) options.onIncompatible(error);
      refused = true;
      return;
    }
    await tell();
  };
  // The second one tells how far the clock is off, which the first has found out.
  await tell();
  await tell();
  const beats = repeat(PRESENCE_EVERY_MS, log, "telling that this process is there", look);
  return {
    async close() {
      await beats.close();
      await settleWithin(LEAVE_MS, beat(store, id, ""));
    },
  };
};
