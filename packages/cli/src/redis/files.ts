// The files of the private Redis: its directory, its socket and its configuration.
import { createHash } from "node:crypto";
import { lstatSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { privateDir, writePrivate } from "../private-file.ts";
import { UsageError } from "../usage-error.ts";

export interface RedisFiles {
  readonly dir: string;
  readonly socket: string;
  readonly pid: string;
  readonly log: string;
  readonly config: string;
}

/** `sockaddr_un` holds 104 bytes on macOS and 108 on Linux, the final zero included. */
const SOCKET_PATH_MAX_BYTES = 103;

export function redisFiles(dir: string): RedisFiles {
  privateDir(dir);
  return {
    dir,
    socket: socketPath(dir),
    pid: join(dir, "redis.pid"),
    log: join(dir, "redis.log"),
    config: join(dir, "redis.conf"),
  };
}

/** In the directory itself, or, where its path is too long for a socket, under the system's temporary one. */
function socketPath(dir: string): string {
  const inside = join(dir, "redis.sock");
  if (Buffer.byteLength(inside) <= SOCKET_PATH_MAX_BYTES) return inside;
  const hash = createHash("sha256").update(dir).digest("hex").slice(0, 16);
  const { uid } = userInfo();
  const short = privateDir(join(tmpdir(), `gantry-${uid}-${hash}`));
  const stat = lstatSync(short);
  // A directory that somebody else made first in a shared place is not ours to trust.
  if (!stat.isDirectory() || (uid >= 0 && stat.uid !== uid) || (stat.mode & 0o077) !== 0) {
    throw new UsageError(
      `${short} must be a directory that only you can read; remove it and try again`,
    );
  }
  const path = join(short, "redis.sock");
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX_BYTES) {
    throw new UsageError(`the path of the data directory is too long; choose a shorter --data-dir`);
  }
  return path;
}

/** Redis reads its settings from a file, because older ones don't quote arguments with spaces. */
export function writeRedisConfig(files: RedisFiles): void {
  const settings: [string, string][] = [
    ["port", "0"],
    ["protected-mode", "yes"],
    ["unixsocket", files.socket],
    ["unixsocketperm", "700"],
    ["dir", files.dir],
    ["pidfile", files.pid],
    ["logfile", files.log],
    ["daemonize", "no"],
    ["supervised", "no"],
    ["save", ""],
    ["appendonly", "yes"],
    ["appendfsync", "everysec"],
    // Gantry's state is not a cache: Redis must refuse a write rather than forget a key.
    ["maxmemory-policy", "noeviction"],
  ];
  const quote = (value: string): string => `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
  writePrivate(files.config, settings.map(([key, value]) => `${key} ${quote(value)}\n`).join(""));
}
