// How workers find supervisors: one file each in the data directory, named by pid.
import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isAlive, type ProcessIdentity } from "./process-identity.ts";

export interface Registration extends ProcessIdentity {
  readonly version: string;
  readonly socket: string;
  /** Where sessions are opened; absent of versions that have none. */
  readonly sessions?: string;
}

/** The shortest limit of a unix socket's path (macOS), its closing zero taken off. */
const MAX_SOCKET_PATH_BYTES = 103;

const directoryOf = (dataDir: string): string => join(dataDir, "supervisors");

const fileOf = (dataDir: string, pid: number): string => join(directoryOf(dataDir), `${pid}.json`);

/** In the data directory, or in a private directory below the system's when that is too deep. */
export const socketPath = (dataDir: string, pid: number, suffix = ""): string => {
  const name = `${pid}${suffix}.sock`;
  const near = join(directoryOf(dataDir), name);
  if (Buffer.byteLength(near) <= MAX_SOCKET_PATH_BYTES) return near;
  const hash = createHash("sha256").update(resolve(dataDir)).digest("hex").slice(0, 12);
  const parent = join(tmpdir(), `gantry-${hash}`);
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  if (lstatSync(parent).uid !== process.getuid?.()) {
    throw new Error(`${parent} belongs to another user`);
  }
  chmodSync(parent, 0o700);
  return join(parent, name);
};

export const register = (dataDir: string, registration: Registration): void => {
  const path = fileOf(dataDir, registration.pid);
  writeFileSync(`${path}.new`, JSON.stringify(registration), { mode: 0o600 });
  renameSync(`${path}.new`, path);
};

export const isRegistered = (dataDir: string, pid: number): boolean => {
  try {
    readFileSync(fileOf(dataDir, pid));
    return true;
  } catch {
    return false;
  }
};

export const unregister = (dataDir: string, { pid, socket, sessions }: Registration): void => {
  rmSync(fileOf(dataDir, pid), { force: true });
  rmSync(socket, { force: true });
  if (sessions !== undefined) rmSync(sessions, { force: true });
};

/** Supervisors that live; what dead ones left is removed. */
export const liveSupervisors = (dataDir: string): Registration[] => {
  mkdirSync(directoryOf(dataDir), { recursive: true, mode: 0o700 });
  const live: Registration[] = [];
  for (const name of readdirSync(directoryOf(dataDir))) {
    if (!name.endsWith(".json")) continue;
    let registration: Registration;
    try {
      registration = JSON.parse(readFileSync(join(directoryOf(dataDir), name), "utf8"));
    } catch {
      continue;
    }
    if (isAlive(registration)) live.push(registration);
    else {
      unregister(dataDir, registration);
      rmSync(join(directoryOf(dataDir), `pipes-${registration.pid}`), {
        recursive: true,
        force: true,
      });
    }
  }
  return live;
};
