// One installation: Redis, the API, two schedulers and three workers, each behind a faulty proxy of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { closeSync, openSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { waitForFile } from "../support/gantry.ts";
import { waitFor } from "../support/wait-for.ts";
import { ApiClient } from "./api-client.ts";
import { FaultyProxy } from "./faulty-proxy.ts";
import {
  type NetworkNamespace,
  openNetworkNamespace,
  openSmallDisk,
  type SmallDisk,
} from "./host-parts.ts";
import { ChaosRedis } from "./redis.ts";
import { uptime } from "./uptime.ts";

const main = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));
/** Of another version, see script/chaos-versions: at each start a process is of the version that it was not. */
const mains = [main, process.env["GANTRY_CHAOS_OTHER"] ?? main];
const clockShift = new URL("clock-shift.mjs", import.meta.url).href;
const podScript = fileURLToPath(new URL("pod.sh", import.meta.url));

export const partNames = [
  "api",
  "scheduler-1",
  "scheduler-2",
  "worker-1",
  "worker-2",
  "worker-3",
] as const;
export type PartName = (typeof partNames)[number];
export const workerNames = ["worker-1", "worker-2", "worker-3"] as const;
export type WorkerName = (typeof workerNames)[number];

/** Its data directory is a disk that can be filled. */
const SMALL_DISK: PartName = "worker-1";
/** It is a host of its own, with a network that can be cut off. */
const NAMESPACED: PartName = "worker-2";
const CONCURRENCY = "24";
const STOP_DEADLINE_MS = 60_000;
/** As a service manager waits before it starts a service again. */
const RESTART_AFTER_MS = 500;

const exited = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** One Gantry process, over all its lives. */
export class Part {
  readonly name: PartName;
  readonly proxy: FaultyProxy;
  readonly dataDir: string;
  /** What its next life is started with. */
  readonly #nextCommand: () => readonly string[];
  readonly #logFile: string;
  readonly #clockFile: string;
  #child: ChildProcess | undefined;
  #wanted = false;
  #offsetMs = 0;
  #passedMs = 0;
  /** Ends that nobody asked for; a service manager starts it again, and so do we. */
  readonly exits: { readonly at: number; readonly code: number | null }[] = [];

  constructor(
    name: PartName,
    proxy: FaultyProxy,
    directory: string,
    nextCommand: () => readonly string[],
  ) {
    this.name = name;
    this.proxy = proxy;
    this.dataDir = join(directory, name);
    this.#nextCommand = nextCommand;
    this.#logFile = join(directory, "logs", `${name}.log`);
    this.#clockFile = join(directory, "clocks", name);
  }

  get isUp(): boolean {
    return (
      this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
    );
  }

  start(): void {
    this.#wanted = true;
    if (this.isUp) return;
    const log = openSync(this.#logFile, "a");
    const [program = "", ...args] = this.#nextCommand();
    this.#child = spawn(program, args, {
      env: {
        PATH: process.env["PATH"],
        HOME: this.dataDir,
        NODE_OPTIONS: `--import ${clockShift}`,
        GANTRY_CHAOS_CLOCK: this.#clockFile,
        ...(process.env["LOG_LEVEL"] === undefined ? {} : { LOG_LEVEL: process.env["LOG_LEVEL"] }),
      },
      stdio: ["ignore", "ignore", log],
    });
    closeSync(log);
    this.#child.once("exit", (code) => {
      if (!this.#wanted) return;
      this.exits.push({ at: uptime(), code });
      setTimeout(() => {
        if (this.#wanted) this.start();
      }, RESTART_AFTER_MS).unref();
    });
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isUp) this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    this.#wanted = false;
    if (!this.isUp || this.#child === undefined) return;
    this.#child.kill("SIGKILL");
    await exited(this.#child);
  }

  /** As a deployment does; what does not end in time is a fault of its own. */
  async stop(): Promise<boolean> {
    this.#wanted = false;
    if (!this.isUp || this.#child === undefined) return true;
    this.#child.kill("SIGTERM");
    const late = new Promise<boolean>((resolve) => {
      setTimeout(() => resolve(false), STOP_DEADLINE_MS).unref();
    });
    const inTime = await Promise.race([exited(this.#child).then(() => true), late]);
    if (!inTime) await this.kill();
    return inTime;
  }

  /** Against the installation's own time, see `Installation.passTime`. */
  async shiftClock(offsetMs: number): Promise<void> {
    this.#offsetMs = offsetMs;
    await writeFile(this.#clockFile, String(this.#passedMs + offsetMs));
  }

  async passTime(ms: number): Promise<void> {
    this.#passedMs += ms;
    await this.shiftClock(this.#offsetMs);
  }
}

export class Installation {
  readonly directory: string;
  readonly redis: ChaosRedis;
  readonly parts: ReadonlyMap<PartName, Part>;
  readonly network: NetworkNamespace | null;
  readonly disk: SmallDisk | null;
  readonly kubeconfig: string;

  private constructor(
    directory: string,
    redis: ChaosRedis,
    parts: ReadonlyMap<PartName, Part>,
    host: { network: NetworkNamespace | null; disk: SmallDisk | null },
  ) {
    this.directory = directory;
    this.redis = redis;
    this.parts = parts;
    this.network = host.network;
    this.disk = host.disk;
    this.kubeconfig = join(directory, "api", "kubeconfig");
  }

  static async open(directory: string): Promise<Installation> {
    for (const name of ["logs", "clocks", "pods", "failed", ...partNames]) {
      await mkdir(join(directory, name), { recursive: true });
    }
    await copyFile(podScript, join(directory, "pod.sh"));
    const redis = new ChaosRedis(directory);
    await redis.start();
    const network = await openNetworkNamespace();
    const disk = await openSmallDisk(join(directory, SMALL_DISK));
    const apiPort = await freePort();
    const parts = new Map<PartName, Part>();
    for (const name of partNames) {
      const inside = name === NAMESPACED ? network : null;
      const proxy = await FaultyProxy.open(redis.socket, inside?.hostAddress);
      const url = `redis://${inside?.hostAddress ?? "127.0.0.1"}:${proxy.port}`;
      let lives = parts.size;
      const nextCommand = (): string[] => [
        ...(inside?.enter ?? []),
        process.execPath,
        mains[lives++ % mains.length] ?? main,
        ...commandLine(name, url, join(directory, name), apiPort),
      ];
      parts.set(name, new Part(name, proxy, directory, nextCommand));
    }
    return new Installation(directory, redis, parts, { network, disk });
  }

  part(name: PartName): Part {
    const part = this.parts.get(name);
    if (part === undefined) throw new Error(`there is no ${name}`);
    return part;
  }

  /** Starts everything; resolves with a client of the API once it takes Jobs. */
  async start(): Promise<ApiClient> {
    for (const part of this.parts.values()) part.start();
    await waitForFile(this.kubeconfig);
    const api = await ApiClient.of(this.kubeconfig);
    await waitFor("the API to be ready", async () =>
      (await api.once("GET", "/readyz")).status === 200 ? true : undefined,
    );
    return api;
  }

  /** Every fault ends, and every process runs. */
  async heal(): Promise<void> {
    this.redis.thaw();
    await this.network?.heal();
    await this.disk?.empty();
    for (const part of this.parts.values()) {
      part.proxy.heal();
      await part.shiftClock(0);
      part.signal("SIGCONT");
      part.start();
    }
  }

  /** All clocks go ahead together, so that nobody has to wait for a back-off of minutes. */
  async passTime(ms: number): Promise<void> {
    await Promise.all([...this.parts.values()].map((part) => part.passTime(ms)));
  }

  /** SIGTERM to all; resolves with those that did not end in time. */
  async stop(): Promise<PartName[]> {
    const order = [...this.parts.values()].toReversed();
    const stopped = await Promise.all(
      order.map(async (part) => [part.name, await part.stop()] as const),
    );
    return stopped.flatMap(([name, inTime]) => (inTime ? [] : [name]));
  }

  /** Takes away what the installation itself put on this machine. */
  async close(): Promise<void> {
    for (const part of this.parts.values()) {
      part.signal("SIGCONT");
      await part.kill();
      part.proxy.close();
    }
    this.redis.thaw();
    await this.redis.kill();
    await this.network?.remove();
    await this.disk?.remove();
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  /** What a process wrote, in all its lives. */
  log(name: PartName): Promise<string> {
    return readFile(join(this.directory, "logs", `${name}.log`), "utf8").catch(() => "");
  }
}

const commandLine = (name: PartName, url: string, dataDir: string, apiPort: number): string[] => {
  const redis = ["--redis", url];
  if (name === "api") {
    const listen = ["--listen", `127.0.0.1:${apiPort}`];
    return ["api", ...redis, ...listen, "--data-dir", dataDir, "--runtime", "process"];
  }
  if (name.startsWith("scheduler")) return ["scheduler", ...redis];
  return [
    ...["worker", ...redis, "--node", name, "--data-dir", dataDir],
    ...["--concurrency", CONCURRENCY, "--runtime", "process,simulated"],
    // What Pods may request is not what this suite is about.
    ...["--cpu", "100", "--memory", "100Gi"],
  ];
};
