// Carries out the planned faults, and keeps the log of what was really done when.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Random } from "../simulation/random.ts";
import { describeFault, type Fault, struck } from "./faults.ts";
import { type Installation, type PartName, partNames } from "./installation.ts";
import { disturbQueue } from "./queue-mischief.ts";
import { pause, uptime } from "./uptime.ts";

export interface DoneFault {
  readonly fault: Fault;
  readonly from: number;
  /** Uptime at which all was as before; Infinity while it lasts. */
  to: number;
  note: string;
}

export class FaultActions {
  readonly #installation: Installation;
  readonly #faults: readonly Fault[];
  readonly #seed: number;
  /** The end of the last fault that was begun, by what it strikes. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly done: DoneFault[] = [];
  /** By how many revisions Redis was behind what had been told, after its restarts. */
  lostRevisions = 0;
  /** The newest revision that anybody was told of. */
  newestSeen: () => number = () => 0;

  constructor(installation: Installation, faults: readonly Fault[], seed: number) {
    this.#installation = installation;
    this.#faults = faults;
    this.#seed = seed;
  }

  /** Resolves when every fault is over. */
  async run(): Promise<void> {
    const began = uptime();
    await Promise.all(
      this.#faults.map(async (fault, n) => {
        await pause((began - uptime()) * 1000 + fault.atMs);
        // On a slow machine the one before may take longer than planned.
        const targets = struck(fault);
        const before = Promise.all(targets.flatMap((target) => this.#turns.get(target) ?? []));
        let end: () => void = () => {};
        const over = new Promise<void>((resolve) => (end = resolve));
        for (const target of targets) this.#turns.set(target, over);
        await before;
        const done: DoneFault = { fault, from: uptime(), to: Infinity, note: "" };
        this.done.push(done);
        try {
          done.note = await this.#act(fault, new Random(this.#seed * 1_000 + n));
        } catch (error) {
          done.note = String(error);
        }
        end();
        done.to = uptime();
      }),
    );
  }

  log(began: number): string[] {
    return this.done.map(({ fault, from, to, note }) => {
      const times = `${(from - began).toFixed(1)}-${(to - began).toFixed(1)}`;
      return `${times} s  ${describeFault(fault)}${note === "" ? "" : ` (${note})`}`;
    });
  }

  /** For how many seconds up to `at` this worker had not been able to reach Redis, or stood still. */
  absence(part: PartName, at: number): number {
    const spans = this.done.filter(
      ({ fault }) =>
        fault.kind === "redis-freeze" ||
        ("part" in fault &&
          fault.part === part &&
          ["stop", "cut", "freeze", "network-cut", "kill"].includes(fault.kind)),
    );
    return Math.max(
      0,
      ...spans.flatMap(({ from, to }) => (from <= at ? [Math.min(to, at) - from] : [])),
    );
  }

  async #act(fault: Fault, random: Random): Promise<string> {
    const { redis } = this.#installation;
    switch (fault.kind) {
      case "redis-kill":
        return this.#killRedis(fault.forMs, 0);
      case "redis-loss":
        return this.#killRedis(fault.forMs, fault.bytes);
      case "redis-freeze":
        redis.freeze();
        await pause(fault.forMs);
        redis.thaw();
        return "";
      case "blackout":
        return this.#blackout(fault.forMs);
      case "queue": {
        const touched = await disturbQueue(redis, fault.queue, fault.mischief, random, fault.forMs);
        return touched < 0 ? "" : `${touched} jobs`;
      }
      default:
        return this.#strike(fault);
    }
  }

  async #strike(fault: Extract<Fault, { part: PartName }>): Promise<string> {
    const { network, disk } = this.#installation;
    const part = this.#installation.part(fault.part);
    const { proxy } = part;
    switch (fault.kind) {
      case "kill":
        await part.kill();
        await pause(fault.forMs);
        part.start();
        return "";
      case "restart": {
        const inTime = await part.stop();
        part.start();
        return inTime ? "" : "it did not end in time";
      }
      case "kill-supervisor":
        return this.#killSupervisor(part.dataDir);
      case "stop":
        part.signal("SIGSTOP");
        await pause(fault.forMs);
        part.signal("SIGCONT");
        return "";
      case "cut":
        proxy.cut();
        break;
      case "freeze":
        proxy.freeze(fault.way === "both" ? ["up", "down"] : [fault.way]);
        break;
      case "slow":
        proxy.slow(fault.delayMs);
        break;
      case "clock":
        await part.shiftClock(fault.offsetMs);
        await pause(fault.forMs);
        await part.shiftClock(0);
        return "";
      case "network-cut":
        if (network === null) proxy.freeze(["up", "down"]);
        else await network.cut();
        await pause(fault.forMs);
        await network?.heal();
        proxy.heal();
        return network === null ? "by its proxy: no network namespaces here" : "";
      case "disk-full":
        if (disk === null) return "left out: no file systems may be mounted here";
        await disk.fill();
        await pause(fault.forMs);
        await disk.empty();
        return "";
    }
    await pause(fault.forMs);
    proxy.heal();
    return "";
  }

  async #blackout(forMs: number): Promise<string> {
    const parts = partNames.map((name) => this.#installation.part(name));
    await Promise.all(parts.map((part) => part.kill()));
    await pause(forMs);
    for (const part of parts) part.start();
    return "";
  }

  async #killRedis(forMs: number, lostBytes: number): Promise<string> {
    const { redis } = this.#installation;
    await redis.kill();
    const seen = this.newestSeen();
    if (lostBytes > 0) await redis.loseTail(lostBytes);
    await pause(forMs);
    // Nobody writes before it is known what survived.
    const proxies = [...this.#installation.parts.values()].map(({ proxy }) => proxy);
    for (const proxy of proxies) proxy.block(true);
    await redis.start();
    const found = Number(await redis.ask((connection) => connection.get("{gantry}:rv")));
    for (const proxy of proxies) proxy.block(false);
    const lost = Math.max(0, seen - found);
    this.lostRevisions += lost;
    return lost === 0 ? "" : `${lost} revisions were lost with it`;
  }

  async #killSupervisor(dataDir: string): Promise<string> {
    const directory = join(dataDir, "supervisors");
    const names = await readdir(directory).catch(() => []);
    let killed = 0;
    for (const name of names.filter((one) => one.endsWith(".json"))) {
      const text = await readFile(join(directory, name), "utf8").catch(() => "{}");
      const { pid, start } = JSON.parse(text) as { pid?: number; start?: string };
      if (pid === undefined || start?.endsWith(`-${await startOf(pid)}`) !== true) continue;
      process.kill(pid, "SIGKILL");
      killed += 1;
    }
    return `${killed} killed`;
  }
}

/** When the process of this pid began, in clock ticks: a pid may have been given to another. */
const startOf = async (pid: number): Promise<string | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
};
