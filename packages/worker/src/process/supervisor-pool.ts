// The supervisors that a worker talks to: one for new Pods, older ones while they drain.
import type { SupervisorMessage, WorkerMessage } from "./protocol.ts";
import { isAlive, type ProcessIdentity } from "./process-identity.ts";
import { isRegistered, liveSupervisors, type Registration } from "./registration.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { startSupervisor, SupervisorClient, type SupervisorSettings } from "./supervisor-client.ts";

/** An exit takes milliseconds; a stuck one must not hold up ours. */
const EXIT_LIMIT_MS = 5000;
const EXIT_POLL_MS = 5;
/** How many times within the time it may be away a worker says that it is alive. */
const ALIVE_SHARE = 9;

export interface PoolReports {
  message(message: SupervisorMessage): void;
  /** The connection broke and the supervisor is dead. */
  lost(supervisor: ProcessIdentity): void;
  fault(error: Error): void;
}

export class SupervisorPool {
  readonly #settings: SupervisorSettings;
  readonly #reports: PoolReports;
  readonly #clients = new Set<SupervisorClient>();
  #current: Promise<SupervisorClient> | null = null;
  #closing = false;
  #alive: NodeJS.Timeout | undefined;

  constructor(settings: SupervisorSettings, reports: PoolReports) {
    this.#settings = settings;
    this.#reports = reports;
  }

  async open(): Promise<void> {
    const { dataDir, version, awayMs } = this.#settings;
    this.#alive = setInterval(() => this.broadcast({ op: "alive" }), awayMs / ALIVE_SHARE).unref();
    for (const registration of liveSupervisors(dataDir)) {
      const client = await this.#connect(registration).catch(() => null);
      if (client === null) continue;
      if (registration.version === version && this.#current === null) {
        this.#current = Promise.resolve(client);
      } else client.send({ op: "drain" });
    }
    await this.forNewPods();
  }

  /** The supervisor that starts Pods; one is started when there is none. */
  forNewPods(): Promise<SupervisorClient> {
    this.#current ??= startSupervisor(this.#settings)
      .then((registration) => this.#connect(registration))
      .catch((error: Error) => {
        this.#current = null;
        throw error;
      });
    return this.#current;
  }

  /** `null` when that supervisor is dead. */
  of(supervisor: ProcessIdentity): SupervisorClient | null {
    return [...this.#clients].find((client) => client.isOf(supervisor)) ?? null;
  }

  /** To whichever supervisor has the Pod; the others ignore it. */
  broadcast(message: WorkerMessage): void {
    for (const client of this.#clients) client.send(message);
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#alive);
    await this.#current?.catch(() => null);
    const clients = [...this.#clients];
    for (const client of clients) client.send({ op: "leave" });
    await Promise.all(
      clients.map(async (client) => {
        await client.closed;
        await this.#exited(client.registration);
      }),
    );
  }

  /** A supervisor that exits takes its registration back first; one that stays keeps it. */
  async #exited(supervisor: Registration): Promise<void> {
    const endMs = performance.now() + EXIT_LIMIT_MS;
    while (!isRegistered(this.#settings.dataDir, supervisor.pid) && isAlive(supervisor)) {
      if (performance.now() > endMs) return;
      await sleep(EXIT_POLL_MS);
    }
  }

  async #connect(registration: Registration): Promise<SupervisorClient> {
    const client = await SupervisorClient.connect(
      registration,
      (message) => this.#reports.message(message),
      (gone) => void this.#closed(gone),
    );
    this.#clients.add(client);
    client.send({ op: "alive" });
    return client;
  }

  async #closed(client: SupervisorClient): Promise<void> {
    this.#clients.delete(client);
    const current = await this.#current?.catch(() => null);
    if (current === client) this.#current = null;
    if (this.#closing) return;
    const { pid, start } = client.registration;
    const alive = liveSupervisors(this.#settings.dataDir).find(
      (each) => each.pid === pid && each.start === start,
    );
    if (alive === undefined) return this.#reports.lost({ pid, start });
    try {
      await this.#connect(alive);
    } catch (error) {
      this.#reports.fault(error as Error);
      this.#reports.lost({ pid, start });
    }
  }
}
