// A private Docker Engine for tests: its own data, socket and images, nothing of the system's.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";

export const BUSYBOX = "registry.k8s.io/e2e-test-images/busybox:1.37.0-1";
export const PAUSE = "registry.k8s.io/pause:3.10.2";

const START_MS = 20_000;
/** Unix socket paths are short, and the system's directory for temporary files may not be. */
const PARENT = "/tmp";

export interface TestEngine {
  readonly socketPath: string;
  readonly docker: Docker;
  /** Ends the engine and starts it again on the same data, as an upgrade does. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const find = (program: string): string | undefined =>
  (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((directory) => join(directory, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

const isStatic = (program: string): boolean =>
  !execFileSync("sh", ["-c", `ldd "$1" 2>&1 || true`, "sh", program]).includes("=>");

/** Why there can be no engine here; `null` when there can. */
export const noEngine = ((): string | null => {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root";
  const missing = ["dockerd", "busybox", "tar"].find((program) => find(program) === undefined);
  if (missing !== undefined) return `needs ${missing}`;
  return isStatic(find("busybox") ?? "") ? null : "needs a busybox that is linked statically";
})();

/** Whether this machine lets containers have every capability, as privileged ones do. */
export const canBePrivileged = ((): boolean => {
  try {
    const last = BigInt(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8"));
    const bounds = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return BigInt(`0x${bounds ?? "0"}`) === 2n ** (last + 1n) - 1n;
  } catch {
    return false;
  }
})();

const answers = async (docker: Docker, daemon: ChildProcess, log: () => string): Promise<void> => {
  const endMs = Date.now() + START_MS;
  for (;;) {
    try {
      await docker.ping();
      return;
    } catch (error) {
      if (daemon.exitCode !== null) throw new Error(`dockerd ended: ${log()}`, { cause: error });
      if (Date.now() > endMs)
        throw new Error(`dockerd does not answer: ${log()}`, { cause: error });
      await sleep(50);
    }
  }
};

const launch = async (root: string, docker: Docker): Promise<ChildProcess> => {
  const own = ["--bridge=none", "--iptables=false", "--ip6tables=false"];
  const places = [
    "--data-root",
    join(root, "data"),
    "--exec-root",
    join(root, "exec"),
    "--pidfile",
    join(root, "pid"),
    "--host",
    `unix://${join(root, "docker.sock")}`,
  ];
  const daemon = spawn("dockerd", [...own, ...places], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  daemon.stderr.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
  await answers(docker, daemon, () => log);
  return daemon;
};

const ended = async (daemon: ChildProcess): Promise<void> => {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const gone = new Promise((resolve) => daemon.once("exit", resolve));
  daemon.kill("SIGTERM");
  await gone;
};

/** The engine leaves the network namespace of its containers mounted. */
const unmountBelow = (root: string): void => {
  const targets = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((target) => target.startsWith(`${root}/`));
  for (const target of targets.toReversed()) execFileSync("umount", [target]);
};

export const startEngine = async (): Promise<TestEngine> => {
  const root = mkdtempSync(join(PARENT, "gantry-dockerd-"));
  const socketPath = join(root, "docker.sock");
  const docker = new Docker({ socketPath });
  let daemon = await launch(root, docker);
  const end = async (): Promise<void> => {
    await ended(daemon);
    unmountBelow(root);
    rmSync(root, { recursive: true, force: true });
  };
  try {
    await importBusybox(docker);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    socketPath,
    docker,
    async restart() {
      await ended(daemon);
      daemon = await launch(root, docker);
    },
    async stop() {
      // First, so that the engine does not wait for each to end.
      const all = await docker.listContainers({ all: true });
      await Promise.all(all.map(({ Id }) => docker.getContainer(Id).remove({ force: true })));
      await end();
    },
  };
};

/** Sleeps until SIGTERM and then exits 0. */
const PAUSE_SCRIPT = `#!/bin/sh
trap 'exit 0' TERM
while :; do sleep 1000 & wait $!; done
`;

/** Files of a root filesystem with nothing but busybox. */
const layOutBusybox = (directory: string): void => {
  for (const name of ["bin", "etc", "tmp", "root", "usr", "var"]) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  chmodSync(join(directory, "tmp"), 0o1777);
  copyFileSync(find("busybox") ?? "", join(directory, "bin/busybox"));
  const applets = execFileSync("busybox", ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const applet of applets) {
    if (applet !== "busybox") symlinkSync("busybox", join(directory, "bin", applet));
  }
  writeFileSync(join(directory, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(join(directory, "etc/group"), "root:x:0:\n");
  writeFileSync(join(directory, "bin/pause"), PAUSE_SCRIPT, { mode: 0o755 });
};

/** Gives the engine an image: a root filesystem under a name. */
export const importImage = async (
  docker: Docker,
  archive: string | Buffer,
  name: string,
  changes: string,
): Promise<void> => {
  const tagAt = name.lastIndexOf(":");
  const [repo, tag] = [name.slice(0, tagAt), name.slice(tagAt + 1)];
  const input = typeof archive === "string" ? archive : Readable.from([archive]);
  const progress = await docker.importImage(input, { repo, tag, changes });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error) => (error === null ? resolve() : reject(error)));
  });
};

/** A root filesystem with busybox, as a tar archive. */
export const busyboxArchive = (): Buffer => {
  const directory = mkdtempSync(join(tmpdir(), "gantry-busybox-"));
  layOutBusybox(directory);
  const archive = execFileSync("tar", ["-C", directory, "-c", "."], { maxBuffer: 2 ** 28 });
  rmSync(directory, { recursive: true });
  return archive;
};

const importBusybox = async (docker: Docker): Promise<void> => {
  const archive = busyboxArchive();
  for (const name of [BUSYBOX, "busybox:1.36"]) {
    await importImage(docker, archive, name, 'CMD ["sh"]');
  }
  await importImage(docker, archive, PAUSE, 'ENTRYPOINT ["/bin/pause"]');
};
