// Where emptyDir volumes of medium Memory are kept: on the host's own tmpfs, so that there is nothing
// to mount and unmount, and a worker that is not root can have them too.
import { createHash } from "node:crypto";
import { accessSync, chmodSync, constants, lstatSync, mkdirSync, statfsSync } from "node:fs";
import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";

const SHARED_MEMORY = "/dev/shm";
/** statfs' type of a tmpfs. */
const TMPFS_MAGIC = 0x01_02_19_94;

/** Where it would be. */
export const memoryPath = (dataDir: string): string => {
  const hash = createHash("sha256").update(dataDir).digest("hex").slice(0, 12);
  return join(SHARED_MEMORY, `gantry-${hash}`);
};

/** Makes it; `undefined` where the host has no tmpfs that we may use. */
export const memoryDirectory = (path: string): string | undefined => {
  try {
    if (statfsSync(SHARED_MEMORY).type !== TMPFS_MAGIC) return undefined;
    accessSync(SHARED_MEMORY, constants.W_OK);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    // Everyone may write to /dev/shm: one that is not ours is somebody's trap.
    const stats = lstatSync(path);
    if (!stats.isDirectory() || stats.uid !== process.getuid?.()) return undefined;
    chmodSync(path, 0o700);
    return path;
  } catch {
    return undefined;
  }
};

/** Removes a Pod's volumes, and the directory with the last of them. */
export const removeMemoryVolumes = async (path: string, uid: string): Promise<void> => {
  await rm(join(path, uid), { recursive: true, force: true });
  await rmdir(path).catch(() => {
    // Others' volumes are there, or it never was.
  });
};

/** Removes what belongs to Pods that have no directory any more. */
export const removeOrphans = async (
  path: string,
  podsWithDirectory: ReadonlySet<string>,
): Promise<void> => {
  for (const uid of await readdir(path).catch(() => [])) {
    if (!podsWithDirectory.has(uid)) await removeMemoryVolumes(path, uid);
  }
};
