// The Gantry of a chaos run: API, scheduler and workers as processes of their own, and their murderer.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Gantry } from "@gantry/sdk";
import { Random } from "../../simulation/random.ts";
import { waitForFile } from "../../support/gantry.ts";
import { waitFor } from "../../support/wait-for.ts";

const main = fileURLToPath(new URL("../../../packages/cli/dist/main.js", import.meta.url));
const STOP_DEADLINE_MS = 30_000;

const exited = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });

/** One process over all its lives. */
class Part {
  readonly name: string;
  readonly #args: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  /** It ended though nobody asked it to. */
  readonly unasked: string[] = [];
  #asked = false;

  constructor(name: string, directory: string, args: readonly string[], more: NodeJS.ProcessEnv) {
    this.name = name;
    this.#args = args;
    this.#logFile = join(directory, `${name}.log`);
    this.#environment = { PATH: process.env["PATH"], HOME: directory, ...more };
  }

  start(): void {
    const log = openSync(this.#logFile, "a");
    this.#asked = false;
    const child = spawn(process.execPath, [main, ...this.#args], {
      env: this.#environment,
      stdio: ["ignore", "ignore", log],
    });
    closeSync(log);
    child.once("exit", (code, signal) => {
      if (!this.#asked) this.unasked.push(`${this.name} ended by itself: ${code ?? signal}`);
    });
    this.#child = child;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#asked = true;
    child.kill(signal);
    const timer = setTimeout(() => {
      this.unasked.push(`${this.name} did not end within ${STOP_DEADLINE_MS} ms of ${signal}`);
      child.kill("SIGKILL");
    }, STOP_DEADLINE_MS);
    await exited(child);
    clearTimeout(timer);
  }
}

export interface Deed {
  readonly atMs: number;
  readonly what: string;
}

export interface ChaosGantryOptions {
  readonly directory: string;
  readonly redisUrl: string;
  /** With the fake's endpoints and the ecs runtime's settings. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workers: number;
}

/** Pods that a worker takes at once: tasks run elsewhere. */
const CONCURRENCY = "400";

export class ChaosGantry {
  readonly #parts: readonly Part[];
  readonly #workers: readonly Part[];
  readonly client: Gantry;
  readonly deeds: Deed[] = [];

  private constructor(parts: readonly Part[], workers: readonly Part[], client: Gantry) {
    this.#parts = parts;
    this.#workers = workers;
    this.client = client;
  }

  static async start(options: ChaosGantryOptions): Promise<ChaosGantry> {
    const { directory, redisUrl, environment } = options;
    const dataDir = join(directory, "api");
    await mkdir(dataDir, { recursive: true });
    const shared = ["--redis", redisUrl];
    const part = (name: string, ...args: string[]): Part => {
      const made = new Part(name, directory, args, environment);
      made.start();
      return made;
    };
    const api = part("api", "api", ...shared, "--data-dir", dataDir, "--listen", "127.0.0.1:0");
    const scheduler = part("scheduler", "scheduler", ...shared);
    const workers = Array.from({ length: options.workers }, (_, n) => {
      const name = `worker-${n + 1}`;
      const place = ["--data-dir", join(directory, name), "--node", name];
      return part(name, "worker", ...shared, ...place, "--concurrency", CONCURRENCY);
    });
    const kubeconfig = join(dataDir, "kubeconfig");
    await waitForFile(kubeconfig);
    const client = Gantry.fromKubeconfig(kubeconfig);
    await waitFor("the API to be ready", async () => (await client.ready()) || undefined);
    return new ChaosGantry([...workers, scheduler, api], workers, client);
  }

  get unasked(): readonly string[] {
    return this.#parts.flatMap(({ unasked }) => unasked);
  }

  /** Until the signal is aborted: kills, stops and freezes workers, and starts them again. */
  async harass(random: Random, everyMs: number, signal: AbortSignal): Promise<void> {
    const began = Date.now();
    const note = (what: string): void => void this.deeds.push({ atMs: Date.now() - began, what });
    await Promise.all(
      this.#workers.map(async (worker) => {
        await this.#harassOne(worker, new Random(random.int(0, 2 ** 31)), everyMs, note, signal);
      }),
    );
  }

  async #harassOne(
    worker: Part,
    random: Random,
    everyMs: number,
    note: (what: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const rest = (lowMs: number, highMs: number): Promise<unknown> =>
      pause(random.int(lowMs, highMs), undefined, { signal }).catch(() => undefined);
    while (!signal.aborted) {
      await rest(everyMs / 4, everyMs * 1.75);
      if (signal.aborted) return;
      const kind = random.next();
      if (kind < 0.65) {
        note(`${worker.name} SIGKILL`);
        await worker.end("SIGKILL");
        await rest(0, 4_000);
        worker.start();
      } else if (kind < 0.85) {
        note(`${worker.name} SIGTERM`);
        await worker.end("SIGTERM");
        await rest(0, 2_000);
        worker.start();
      } else {
        // Longer than its lease at times: others take its Pods over while it does not know.
        note(`${worker.name} SIGSTOP`);
        worker.signal("SIGSTOP");
        await rest(1_000, 22_000);
        worker.signal("SIGCONT");
      }
      note(`${worker.name} back`);
    }
  }

  async stop(): Promise<void> {
    this.client.close();
    for (const part of this.#parts) await part.end("SIGTERM");
  }
}
