// What the worker itself must remember of a Pod; everything else is read from the engine.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Observation } from "../runtime.ts";

export interface PodState {
  readonly namespace: string;
  readonly name: string;
  readonly startedAtMs: number;
  /** When a stop was asked for: the end of its grace. */
  readonly killAtMs?: number | undefined;
  /** The last word on the Pod, written before anybody is told. */
  readonly final?: Observation | undefined;
}

const pathOf = (directory: string): string => join(directory, "state.json");

/** Replaced whole: a reader after a crash sees one state or the other. */
export const writeState = (directory: string, state: PodState): void => {
  mkdirSync(directory, { recursive: true });
  const path = pathOf(directory);
  writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${path}.new`, path);
};

export const readState = (directory: string): PodState | null => {
  try {
    return JSON.parse(readFileSync(pathOf(directory), "utf8")) as PodState;
  } catch {
    return null;
  }
};
