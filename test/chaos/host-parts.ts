// What makes a worker's host breakable: a network namespace that can be cut off, a disk that can be filled.
import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const ip = (...words: string[]): Promise<unknown> => run("ip", words);

export interface NetworkNamespace {
  /** Of the machine, as the namespace sees it. */
  readonly hostAddress: string;
  /** What a command line begins with to run inside. */
  readonly enter: readonly string[];
  cut(): Promise<void>;
  heal(): Promise<void>;
  remove(): Promise<void>;
}

/** Names and addresses of two runs at once must differ. */
let serial = process.pid;

/** `null` where the system does not let us. */
export const openNetworkNamespace = async (): Promise<NetworkNamespace | null> => {
  serial += 1;
  const name = `gantry-chaos-${serial}`;
  const [near, far] = [`gc${serial}a`, `gc${serial}b`];
  const subnet = `10.213.${Math.floor(serial / 64) % 256}`;
  const first = (serial % 64) * 4;
  const hostAddress = `${subnet}.${first + 1}`;
  const remove = async (): Promise<void> => {
    await ip("netns", "del", name).catch(() => {});
    await ip("link", "del", near).catch(() => {});
  };
  try {
    await ip("netns", "add", name);
    await ip("link", "add", near, "type", "veth", "peer", "name", far);
    await ip("link", "set", far, "netns", name);
    await ip("addr", "add", `${hostAddress}/30`, "dev", near);
    await ip("link", "set", near, "up");
    await ip("-n", name, "addr", "add", `${subnet}.${first + 2}/30`, "dev", far);
    await ip("-n", name, "link", "set", far, "up");
    await ip("-n", name, "link", "set", "lo", "up");
  } catch {
    await remove();
    return null;
  }
  return {
    hostAddress,
    enter: ["ip", "netns", "exec", name],
    // Packets vanish: nobody is told, as when a cable is pulled.
    cut: async () => void (await ip("-n", name, "link", "set", far, "down")),
    heal: async () => void (await ip("-n", name, "link", "set", far, "up")),
    remove,
  };
};

export interface SmallDisk {
  fill(): Promise<void>;
  empty(): Promise<void>;
  remove(): Promise<void>;
}

const SIZE_MIB = 32;
const MIB = 1024 * 1024;

/** A file system of its own at this directory; `null` where the system does not let us. */
export const openSmallDisk = async (directory: string): Promise<SmallDisk | null> => {
  await mkdir(directory, { recursive: true });
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MIB}m,mode=700`, "none", directory]);
  } catch {
    return null;
  }
  const ballast = join(directory, "ballast");
  return {
    async fill() {
      // What fits is kept though the write as a whole fails.
      await writeFile(ballast, Buffer.alloc(SIZE_MIB * MIB)).catch(() => {});
    },
    empty: () => rm(ballast, { force: true }),
    async remove() {
      await run("umount", [directory]).catch(() => run("umount", ["-l", directory]));
    },
  };
};
