// What is watched while the load goes on: memory of each process and of Redis, health, reads and deletions.
import { readFile } from "node:fs/promises";
import { Redis } from "ioredis";
import { Client, JOBS } from "./client.ts";
import type { Installation } from "./installation.ts";

const MIB = 1_048_576;
const SAMPLE_EVERY_MS = 5_000;
const PROBE_EVERY_MS = 500;

export interface Sample {
  readonly atSeconds: number;
  /** MiB by process; `data` is what Redis says its data takes. */
  readonly memory: Readonly<Record<string, number>>;
  readonly finished: number;
  readonly unfinished: number;
}

export interface Probe {
  readonly what: string;
  readonly status: number;
  readonly ms: number;
}

const rssMib = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024);
};

export class Observer {
  readonly samples: Sample[] = [];
  readonly probes: Probe[] = [];
  readonly #installation: Installation;
  readonly #redis: Redis;
  readonly #client: Client;
  readonly #startedAtMs = performance.now();
  readonly #timers: NodeJS.Timeout[] = [];
  #probed = 0;

  constructor(installation: Installation) {
    this.#installation = installation;
    this.#redis = new Redis({ path: installation.redisUrl.slice("unix://".length) });
    this.#client = new Client({ ...installation, connections: 4 });
  }

  start(): void {
    this.#timers.push(
      setInterval(() => void this.#sample(), SAMPLE_EVERY_MS),
      setInterval(() => void this.#probe(), PROBE_EVERY_MS),
    );
  }

  /** Jobs that the scheduler has counted as succeeded, and others, so far. */
  async finished(): Promise<{ readonly succeeded: number; readonly failed: number }> {
    const text = await (await fetch(`${this.#installation.metricsUrl}/metrics`)).text();
    let [succeeded, failed] = [0, 0];
    for (const [, result, count] of text.matchAll(
      /^job_controller_jobs_finished_total\{.*result="(\w+)".*\} (\d+)/gm,
    )) {
      if (result === "succeeded") succeeded += Number(count);
      else failed += Number(count);
    }
    return { succeeded, failed };
  }

  unfinished(): Promise<number> {
    return this.#redis.scard("{gantry}:unfinished");
  }

  async #sample(): Promise<void> {
    const memory: Record<string, number> = {};
    for (const [name, pid] of Object.entries(this.#installation.pids)) {
      memory[name] = await rssMib(pid);
    }
    const info = await this.#redis.info("memory");
    memory["data"] = Math.round(Number(/used_memory:(\d+)/.exec(info)?.[1]) / MIB);
    this.samples.push({
      atSeconds: Math.round((performance.now() - this.#startedAtMs) / 1_000),
      memory,
      finished: (await this.finished()).succeeded,
      unfinished: await this.unfinished(),
    });
  }

  /** One after the other: each probe, a read, and a deletion of what is not there. */
  async #probe(): Promise<void> {
    const all = [
      ["GET", "/healthz"],
      ["GET", "/livez"],
      ["GET", "/readyz"],
      ["GET", "/api/v1/namespaces"],
      ["DELETE", `${JOBS}/nobody`],
    ] as const;
    const [method, path] = all[this.#probed % all.length] ?? all[0];
    this.#probed += 1;
    const { status, ms } = await this.#client.send(method, path);
    this.probes.push({ what: `${method} ${path.split("?")[0] ?? ""}`, status, ms });
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#client.close();
    this.#redis.disconnect();
  }
}
