// What a container leaves as its termination message, within a kubelet's limits.
import { closeSync, openSync, readSync } from "node:fs";

const MAX_MESSAGE_BYTES = 4096;
const MAX_LOG_MESSAGE_BYTES = 2048;
export const MAX_LOG_MESSAGE_LINES = 80;

/** The default path of a container's message file. */
export const DEFAULT_MESSAGE_PATH = "/dev/termination-log";

/** Empty when there is no such file: the container removed it, or never had it. */
export const messageFromFile = (path: string): string => {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return "";
  }
  try {
    const data = Buffer.alloc(MAX_MESSAGE_BYTES);
    return data.toString("utf8", 0, readSync(fd, data, 0, MAX_MESSAGE_BYTES, 0));
  } finally {
    closeSync(fd);
  }
};

/** The end of a run's log, for FallbackToLogsOnError. */
export const messageFromLog = (text: string): string =>
  text
    .split("\n")
    .slice(-MAX_LOG_MESSAGE_LINES - 1)
    .join("\n")
    .slice(-MAX_LOG_MESSAGE_BYTES);
