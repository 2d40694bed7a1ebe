// How full the store is: what those who take new work ask before they do.
import { infoField } from "./connection.ts";
import { suffix } from "./keys.ts";
import { script } from "./script.ts";
import type { Store } from "./store.ts";

const loadScript = script("load");
const inspectScript = script("inspect");

export interface StoreLoad {
  readonly unfinishedJobs: number;
  readonly usedBytes: number;
  /** `maxmemory` of the server, or else the memory of its host; 0 where it tells neither. */
  readonly maxBytes: number;
}

export const readLoad = async (store: Store): Promise<StoreLoad> => {
  const [unfinishedJobs, info] = (await loadScript.run(
    store.redis,
    [store.key(suffix.unfinished)],
    [],
  )) as [number, string];
  const bytes = (name: string): number => Number(infoField(info, name) ?? "0") || 0;
  return {
    unfinishedJobs,
    usedBytes: bytes("used_memory"),
    maxBytes: bytes("maxmemory") || bytes("total_system_memory"),
  };
};

/** What the server that has the cell says of itself. */
export interface ServerState {
  /** All sections of INFO; see `infoField`. */
  readonly info: string;
  /** Its clock, Unix ms. */
  readonly nowMs: number;
}

export const inspectServer = async (store: Store): Promise<ServerState> => {
  const [info, seconds, micros] = (await inspectScript.run(
    store.redis,
    [store.key(suffix.revision)],
    [],
  )) as [string, string, string];
  return { info, nowMs: Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000) };
};
