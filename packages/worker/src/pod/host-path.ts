// hostPath volumes: which paths a worker allows, and what each type asks of the path.
import { existsSync, mkdirSync, realpathSync, statSync, type Stats, writeFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

/** A volume that can't be set up; a kubelet's FailedMount. */
export class VolumeError extends Error {
  override name = "VolumeError";
}

const isBelow = (path: string, prefix: string): boolean =>
  normalize(`${path}/`).startsWith(normalize(`${prefix}/`));

/** Where a path leads; what of it does not exist yet is taken as written. */
const realPath = (path: string): string => {
  for (let existing = path; ; existing = dirname(existing)) {
    try {
      return join(realpathSync(existing), relative(existing, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || existing === dirname(existing)) {
        throw error;
      }
    }
  }
};

/** `path` below `root`, links followed. Throws when a link leads out of `root`. */
export const pathBelow = (root: string, path: string): string => {
  const real = realPath(join(root, path));
  if (isBelow(real, realPath(root))) return real;
  throw new VolumeError(`subPath ${path} leads out of its volume`);
};

const kinds: Readonly<Record<string, { is: (stats: Stats) => boolean; name: string }>> = {
  Directory: { is: (stats) => stats.isDirectory(), name: "directory" },
  DirectoryOrCreate: { is: (stats) => stats.isDirectory(), name: "directory" },
  File: { is: (stats) => stats.isFile(), name: "file" },
  FileOrCreate: { is: (stats) => stats.isFile(), name: "file" },
  Socket: { is: (stats) => stats.isSocket(), name: "socket file" },
  CharDevice: { is: (stats) => stats.isCharacterDevice(), name: "character device" },
  BlockDevice: { is: (stats) => stats.isBlockDevice(), name: "block device" },
};

/** What to mount for a hostPath volume, made where its type says so. Throws `VolumeError`. */
export const hostPathSource = (path: string, type: string, allowed: readonly string[]): string => {
  const real = realPath(normalize(path));
  if (!allowed.some((prefix) => isBelow(real, realPath(prefix)))) {
    throw new VolumeError(`hostPath ${path} leads to ${real}, which this worker does not allow`);
  }
  if (!existsSync(real)) {
    // With no type a missing path is a directory to be, as container engines treat it.
    if (type === "" || type === "DirectoryOrCreate") mkdirSync(real, { recursive: true });
    else if (type === "FileOrCreate") writeFileSync(real, "", { flag: "a" });
  }
  const kind = kinds[type];
  if (kind === undefined || (existsSync(real) && kind.is(statSync(real)))) return real;
  throw new VolumeError(`hostPath type check failed: ${path} is not a ${kind.name}`);
};
