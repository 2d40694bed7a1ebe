// The private Redis of one Gantry: started on a unix socket, started again if it dies, gone when Gantry is gone.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { privateDir } from "../private-file.ts";
import { redisCommand } from "./command.ts";
import { type RedisFiles, redisFiles, writeRedisConfig } from "./files.ts";
import { findRedis, type Say } from "./find.ts";
import { stopLeftover } from "./leftover.ts";

export interface EmbeddedRedis {
  /** `unix:///path/redis.sock`. */
  readonly url: string;
  /** Stops Redis, which writes out its append-only file first. */
  close(): Promise<void>;
}

export interface EmbeddedRedisOptions {
  /** Directory of the append-only file. */
  readonly dir: string;
  /** Progress for a person. */
  readonly say: Say;
  /** Called when Redis died and is started again. */
  readonly onRestart?: (detail: string) => void;
}

/**
 * Runs Redis and a watcher that waits for the end of the pipe on fd 3. Only Gantry holds its other end, so it
 * ends with Gantry, however Gantry ends, SIGKILL included. Neither costs anything while waiting. Both are in a
 * session of their own: a Ctrl-C at the terminal must reach Gantry first and Redis last.
 */
const KEEPER = `
exec 3<&0
"$@" </dev/null 3<&- &
redis=$!
( trap '' INT HUP; read -r _ <&3; kill -TERM "$redis" ) >/dev/null 2>&1 &
watcher=$!
wait "$redis"
code=$?
kill -KILL "$watcher" 2>/dev/null
exit "$code"
`;

/** A large append-only file takes Redis about a second per 100 MB to load. */
const READY_TIMEOUT_MS = 120_000;
const POLL_MS = 4;
const STOP_TIMEOUT_MS = 10_000;
const FIRST_RESTART_DELAY_MS = 50;
const MAX_RESTART_DELAY_MS = 5_000;
/** A Redis that ran this long was well; its death says nothing about the next one. */
const WELL_AFTER_MS = 10_000;

export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const program = await findRedis(options.say);
  const files = redisFiles(privateDir(options.dir));
  await stopLeftover(files);
  writeRedisConfig(files);
  const keeper = new Keeper(program, files, options.onRestart ?? (() => undefined));
  await keeper.start();
  return { url: `unix://${pathToFileURL(files.socket).pathname}`, close: () => keeper.stop() };
}

class Keeper {
  readonly #program: string;
  readonly #files: RedisFiles;
  readonly #onRestart: (detail: string) => void;
  #child: ChildProcess | undefined;
  #stopping = false;
  #restartDelayMs = FIRST_RESTART_DELAY_MS;

  constructor(program: string, files: RedisFiles, onRestart: (detail: string) => void) {
    this.#program = program;
    this.#files = files;
    this.#onRestart = onRestart;
  }

  /** Resolves when Redis has loaded its data and answers. */
  async start(): Promise<void> {
    const child = this.#spawn();
    const deadline = Date.now() + READY_TIMEOUT_MS;
    for (;;) {
      const answer = await redisCommand(this.#files.socket, "PING").catch(() => null);
      if (answer === "+PONG") break;
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`redis-server did not start:\n${this.#logEnd()}`);
      }
      if (Date.now() > deadline) {
        await this.stop();
        throw new Error(
          `redis-server was not ready in ${READY_TIMEOUT_MS / 1_000} s:\n${this.#logEnd()}`,
        );
      }
      await sleep(POLL_MS);
    }
    this.#watch(child);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    // The end of the pipe is the order to stop.
    child.stdin?.destroy();
    const timer = setTimeout(() => void stopLeftover(this.#files), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }

  #spawn(): ChildProcess {
    const child = spawn(
      "/bin/sh",
      ["-c", KEEPER, "gantry-redis", this.#program, this.#files.config],
      {
        cwd: this.#files.dir,
        detached: true,
        stdio: ["pipe", "ignore", "ignore"],
      },
    );
    child.on("error", () => undefined);
    child.stdin?.on("error", () => undefined);
    child.unref();
    this.#child = child;
    return child;
  }

  #watch(child: ChildProcess): void {
    const startedAtMs = Date.now();
    const died = (): void => {
      // If only the shell died, its watcher is still there: let it end this Redis now, not a stranger later.
      child.stdin?.destroy();
      if (this.#stopping) return;
      if (Date.now() - startedAtMs >= WELL_AFTER_MS) this.#restartDelayMs = FIRST_RESTART_DELAY_MS;
      this.#onRestart(
        `redis-server ended (exit code ${child.exitCode ?? child.signalCode}); starting it again`,
      );
      void this.#restart();
    };
    if (child.exitCode !== null || child.signalCode !== null) died();
    else child.once("exit", died);
  }

  async #restart(): Promise<void> {
    while (!this.#stopping) {
      await sleep(this.#restartDelayMs);
      this.#restartDelayMs = Math.min(this.#restartDelayMs * 2, MAX_RESTART_DELAY_MS);
      if (this.#stopping) return;
      try {
        // The keeper may have died and not Redis: never two on one append-only file.
        await stopLeftover(this.#files);
        return await this.start();
      } catch (error) {
        this.#onRestart(error instanceof Error ? error.message : String(error));
      }
    }
  }

  #logEnd(): string {
    try {
      return readFileSync(this.#files.log, "utf8").trimEnd().split("\n").slice(-5).join("\n");
    } catch {
      return "(no log)";
    }
  }
}
