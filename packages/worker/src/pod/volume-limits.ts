// Watches how much the emptyDir volumes of a Pod hold; one above its sizeLimit gets the Pod evicted.
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

export interface VolumeLimit {
  readonly volume: string;
  readonly path: string;
  /** As in the spec. */
  readonly limit: string;
  readonly limitBytes: number;
}

const BLOCK_BYTES = 512;

/** Bytes on disk below a path, as du(1) counts them; what vanishes meanwhile counts nothing. */
export const usageBytes = async (path: string, seen = new Set<string>()): Promise<number> => {
  const stats = await lstat(path).catch(() => null);
  if (stats === null) return 0;
  if (stats.nlink > 1 && !stats.isDirectory()) {
    const file = `${stats.dev}:${stats.ino}`;
    if (seen.has(file)) return 0;
    seen.add(file);
  }
  let bytes = stats.blocks * BLOCK_BYTES;
  if (!stats.isDirectory()) return bytes;
  for (const name of await readdir(path).catch(() => [])) {
    bytes += await usageBytes(join(path, name), seen);
  }
  return bytes;
};

/** Calls back once, with a kubelet's message. The result stops the watch. */
export const watchVolumeLimits = (
  limits: readonly VolumeLimit[],
  everyMs: number,
  onExceeded: (message: string) => void,
): (() => void) => {
  let timer: NodeJS.Timeout | undefined;
  let stopped = limits.length === 0;
  const look = async (): Promise<void> => {
    for (const { volume, path, limit, limitBytes } of limits) {
      if ((await usageBytes(path)) <= limitBytes || stopped) continue;
      stopped = true;
      onExceeded(`Usage of EmptyDir volume "${volume}" exceeds the limit "${limit}". `);
    }
    if (!stopped) timer = setTimeout(() => void look(), everyMs);
  };
  if (!stopped) timer = setTimeout(() => void look(), everyMs);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
};
