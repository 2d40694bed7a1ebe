// Says when containers end: by the engine's events, and by looking again where those may fail.
import type Docker from "dockerode";
import type { ContainerInspectInfo } from "dockerode";
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import { isMissing } from "./engine-error.ts";
import { label } from "./labels.ts";
import { pause } from "./pause.ts";

/** `null`: the container was removed by somebody else. */
export type EndedContainer = ContainerInspectInfo | null;

interface Waiting {
  readonly promise: Promise<EndedContainer>;
  resolve(ended: EndedContainer): void;
}

const RECONNECT_MS = 1000;
export const RESYNC_MS = 10_000;
const ENDED = new Set(["die", "destroy"]);

export class EngineWatch {
  readonly #docker: Docker;
  readonly #owner: string;
  readonly #log: Pick<Logger, "warn"> | undefined;
  readonly #resyncMs: number;
  readonly #waiting = new Map<string, Waiting>();
  readonly #closed = new AbortController();
  #stream: Readable | undefined;
  #running: Promise<unknown> | undefined;

  constructor(
    docker: Docker,
    owner: string,
    log: Pick<Logger, "warn"> | undefined,
    resyncMs = RESYNC_MS,
  ) {
    this.#docker = docker;
    this.#owner = owner;
    this.#log = log;
    this.#resyncMs = resyncMs;
  }

  open(): void {
    this.#running = Promise.all([this.#follow(), this.#resync()]);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#stream?.destroy();
    await this.#running;
  }

  /** Resolves when the container has ended, or when it is gone. */
  ended(id: string): Promise<EndedContainer> {
    const known = this.#waiting.get(id);
    if (known !== undefined) return known.promise;
    const { promise, resolve } = withResolver<EndedContainer>();
    this.#waiting.set(id, { promise, resolve });
    // It may have ended before anybody waited for it.
    void this.#look(id);
    return promise;
  }

  async #follow(): Promise<void> {
    let said = false;
    while (!this.#closed.signal.aborted) {
      try {
        await this.#readEvents(() => {
          said = false;
          void this.#lookAtEnded();
        });
      } catch (error) {
        if (!said && !this.#closed.signal.aborted) {
          this.#log?.warn({ err: error }, "the engine's events can't be read; trying again");
        }
        said = true;
      }
      await pause(RECONNECT_MS, this.#closed.signal);
    }
  }

  /** Until the stream breaks. */
  async #readEvents(connected: () => void): Promise<void> {
    const filters = { type: ["container"], label: [`${label.owner}=${this.#owner}`] };
    const stream: Readable = await this.#events(JSON.stringify(filters));
    this.#stream = stream;
    if (this.#closed.signal.aborted) {
      stream.destroy();
      return;
    }
    connected();
    let rest = "";
    for await (const chunk of stream) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.trim() === "") continue;
        const event = JSON.parse(line) as { Action?: string; Actor?: { ID?: string } };
        if (ENDED.has(event.Action ?? "")) void this.#look(event.Actor?.ID ?? "");
      }
    }
  }

  #events(filters: string): Promise<Readable> {
    return new Promise((resolve, reject) => {
      this.#docker.getEvents({ filters }, (error, stream) =>
        stream === undefined ? reject(error as Error) : resolve(stream as Readable),
      );
    });
  }

  async #resync(): Promise<void> {
    while (await pause(this.#resyncMs, this.#closed.signal)) await this.#lookAtEnded();
  }

  /** One question for all that run; only what does not is looked at by itself. */
  async #lookAtEnded(): Promise<void> {
    const filters = { label: [`${label.owner}=${this.#owner}`], status: ["running"] };
    const listed = await this.#docker.listContainers({ filters }).catch(() => null);
    if (listed === null) return;
    const running = new Set(listed.map(({ Id }) => Id));
    await Promise.all(
      [...this.#waiting.keys()].filter((id) => !running.has(id)).map((id) => this.#look(id)),
    );
  }

  async #look(id: string): Promise<void> {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    let ended: EndedContainer = null;
    try {
      const info = await this.#docker.getContainer(id).inspect();
      if (info.State.Running || info.State.Paused || info.State.Restarting) return;
      ended = info;
    } catch (error) {
      // Without an answer nothing is known; the next look has one.
      if (!isMissing(error)) return;
    }
    if (this.#closed.signal.aborted) return;
    this.#waiting.delete(id);
    waiting.resolve(ended);
  }
}

const withResolver = <T>(): { promise: Promise<T>; resolve: (value: T) => void } => {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
};
