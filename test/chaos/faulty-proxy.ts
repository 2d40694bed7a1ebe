// A TCP proxy between one process and Redis: connections cut, frozen in one or both directions, slowed.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { pause } from "./uptime.ts";

/** `up` is what the process sends, `down` what Redis answers. */
export type Direction = "up" | "down";

export class FaultyProxy {
  readonly #server: Server;
  readonly #target: string;
  readonly #sockets = new Set<Socket>();
  readonly #frozen = new Set<Direction>();
  #thawed: Promise<void> = Promise.resolve();
  #thaw: () => void = () => {};
  #cut = false;
  #blocked = false;
  #delayMs = 0;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Forwards to the unix socket `target`. */
  static async open(target: string, host = "127.0.0.1"): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    proxy.#server.listen(0, host);
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections are reset, and so is every new one. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** As `cut`, on account of Redis itself: `heal` does not end it. */
  block(blocked: boolean): void {
    this.#blocked = blocked;
    if (blocked) for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Bytes stay where they are; nobody is told. */
  freeze(directions: readonly Direction[]): void {
    for (const direction of directions) this.#frozen.add(direction);
    this.#thawed = new Promise((resolve) => (this.#thaw = resolve));
  }

  /** Each piece of data arrives this much later, one after the other. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  heal(): void {
    this.#cut = false;
    this.#delayMs = 0;
    this.#frozen.clear();
    this.#thaw();
  }

  close(): void {
    this.heal();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #accept(near: Socket): void {
    this.#sockets.add(near);
    near.on("error", () => {});
    near.on("close", () => this.#sockets.delete(near));
    if (this.#cut || this.#blocked) return void near.resetAndDestroy();
    const far = connect(this.#target);
    far.on("error", () => {});
    near.setNoDelay(true);
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    near.on("close", end);
    far.on("close", end);
    this.#forward(near, far, "up");
    this.#forward(far, near, "down");
  }

  #forward(from: Socket, to: Socket, direction: Direction): void {
    from.on("data", (data: Buffer) => {
      if (!this.#frozen.has(direction) && this.#delayMs === 0) {
        if (to.write(data)) return;
        from.pause();
        to.once("drain", () => from.resume());
        return;
      }
      from.pause();
      void this.#hold(direction).then(() => {
        if (!to.destroyed) to.write(data);
        from.resume();
      });
    });
  }

  async #hold(direction: Direction): Promise<void> {
    while (this.#frozen.has(direction)) await this.#thawed;
    if (this.#delayMs > 0) await pause(this.#delayMs);
  }
}
