// The log of a server: pretty on a terminal, JSON lines otherwise.
import { isatty } from "node:tty";
import { closeSync, openSync, renameSync, statSync } from "node:fs";
import { type Logger, pino } from "pino";

/** A log file larger than this is set aside at the next start; one older file is kept. */
const MAX_FILE_BYTES = 10 * 1024 * 1024;
const STDERR = 2;

/** To stderr, because stdout is for results. `LOG_LEVEL` chooses how much; default info. */
export async function serverLog(env = process.env): Promise<Logger> {
  const level = env["LOG_LEVEL"] || "info";
  if (!isatty(STDERR)) return pino({ level }, pino.destination({ dest: STDERR, sync: false }));
  const { default: pretty } = await import("pino-pretty");
  const stream = pretty({
    destination: STDERR,
    sync: true,
    ignore: "pid,hostname",
    translateTime: "HH:MM:ss",
  });
  return pino({ level }, stream);
}

/** To a file, for a Gantry that runs behind a command with output of its own. */
export function fileLog(path: string, env = process.env): Logger {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_FILE_BYTES) {
    renameSync(path, `${path}.1`);
  }
  // Made here, so that only its owner can read it.
  closeSync(openSync(path, "a", 0o600));
  return pino({ level: env["LOG_LEVEL"] || "info" }, pino.destination({ dest: path, sync: true }));
}
