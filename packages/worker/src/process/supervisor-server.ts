// The supervisor's side of the socket: which Pods run here, who hears of them, when to exit.
import { chmodSync } from "node:fs";
import type { ContainerRecord } from "@gantry/core";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { PodSupervision } from "../pod/pod-supervision.ts";
import type { Observation, RuntimeEvent } from "../runtime.ts";
import { Journal } from "./journal.ts";
import { sweepMarked } from "./leftovers.ts";
import { PipePool } from "./pipe-pool.ts";
import type { PodPlan } from "./pod-plan.ts";
import { bootId, processStart } from "./process-identity.ts";
import { receive, send, type WorkerMessage } from "./protocol.ts";
import {
  isRegistered,
  register,
  type Registration,
  socketPath,
  unregister,
} from "./registration.ts";
import { SessionRefused } from "../sessions/session.ts";
import { SessionServer } from "./session-server.ts";
import { openSessionIn, supervisePod } from "./supervised-processes.ts";

/** One look at all processes for the Pods that ended meanwhile, rather than one for each. */
const SWEEP_DELAY_MS = 200;
/** A worker that does not read must not keep us. */
const EXIT_MS = 1000;
/** How often to look whether the data directory still stands. */
const CHECK_MS = 2000;
/**
 * What a Pod gets to end in when its worker is away. With the 45 s before (`awayMs`) it is over
 * before the scheduler gives the Pod up: 75 s after the worker last renewed its lease.
 */
const AWAY_GRACE_SECONDS = 20;
/** Looks at the workers this many times within the time they may be away, and five times a second. */
const AWAY_CHECKS = 10;
/** Events kept for a worker that is away; they tell people things and decide nothing. */
const MAX_KEPT_EVENTS = 100;
/** Exit code of a container that could not be started, as containerd reports it. */
const START_ERROR_CODE = 128;

interface Supervised {
  readonly pod: PodSupervision;
  owner: Socket | null;
  events: RuntimeEvent[];
}

export class SupervisorServer {
  readonly #dataDir: string;
  readonly #idleMs: number;
  readonly #registration: Registration;
  readonly #pipes: PipePool;
  readonly #server: Server;
  readonly #sessions: SessionServer;
  readonly #pods = new Map<string, Supervised>();
  /** Connections of workers; whether one says that it is alive, or is of a version that does not. */
  readonly #sockets = new Map<Socket, { saysAlive: boolean }>();
  readonly #awayMs: number;
  #heardAtMs = performance.now();
  readonly #ended = new Set<string>();
  #sweepDue = false;
  #idleTimer: NodeJS.Timeout | undefined;
  #draining = false;

  constructor(options: { dataDir: string; version: string; idleMs: number; awayMs: number }) {
    const { dataDir, version, idleMs, awayMs } = options;
    const { pid } = process;
    this.#dataDir = dataDir;
    this.#idleMs = idleMs;
    this.#awayMs = awayMs;
    const socket = socketPath(dataDir, pid);
    const sessions = socketPath(dataDir, pid, "s");
    this.#registration = { pid, start: processStart(pid) ?? "", version, socket, sessions };
    this.#pipes = new PipePool(join(dataDir, "supervisors", `pipes-${pid}`));
    this.#server = createServer((connection) => this.#accept(connection));
    this.#sessions = new SessionServer(async ({ uid, ...request }) => {
      const pod = this.#pods.get(uid)?.pod;
      if (pod === undefined) throw new SessionRefused("the pod is not running");
      return openSessionIn(pod, request);
    });
  }

  async listen(): Promise<void> {
    const { socket, sessions = "" } = this.#registration;
    await this.#sessions.listen(sessions);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(socket, resolve);
    });
    chmodSync(socket, 0o600);
    register(this.#dataDir, this.#registration);
    setInterval(() => this.#check(), CHECK_MS).unref();
    setInterval(() => this.#checkWorkers(), Math.min(CHECK_MS, this.#awayMs) / AWAY_CHECKS).unref();
    this.#exitWhenIdle();
  }

  /** Asked to end: Pods get their grace. */
  async stopAll(): Promise<void> {
    this.#draining = true;
    for (const { pod } of this.#pods.values()) pod.stop(pod.behaviour.graceSeconds);
    this.#exitWhenIdle();
  }

  #accept(socket: Socket): void {
    this.#sockets.set(socket, { saysAlive: false });
    this.#heardAtMs = performance.now();
    clearTimeout(this.#idleTimer);
    receive<WorkerMessage>(socket, (message) => this.#handle(socket, message));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#sockets.delete(socket);
      for (const each of this.#pods.values()) if (each.owner === socket) each.owner = null;
      this.#exitWhenIdle();
    });
  }

  #handle(socket: Socket, message: WorkerMessage): void {
    this.#heardAtMs = performance.now();
    switch (message.op) {
      case "alive":
        this.#sockets.set(socket, { saysAlive: true });
        return;
      case "start":
        return this.#start(socket, message.plan);
      case "attach":
        return this.#attach(socket, message.uid);
      case "stop":
        return this.#pods.get(message.uid)?.pod.stop(message.graceSeconds);
      case "leave":
        // Ends the process when this was the last worker and no Pod runs.
        if (this.#pods.size === 0 && this.#sockets.size === 1) return this.#exit();
        socket.end();
        return;
      case "drain":
        this.#draining = true;
        return this.#exitWhenIdle();
    }
  }

  #start(socket: Socket, plan: PodPlan): void {
    const { uid } = plan;
    let journal: Journal | null;
    try {
      journal = this.#pods.has(uid) ? null : this.#journal(plan);
    } catch (error) {
      // A full disk, or the Pod's directory is gone: the Pod ends before anything of it began.
      const { message } = error as Error;
      return send(socket, { op: "observed", uid, observation: unstarted(plan, message) });
    }
    if (journal === null) return this.#attach(socket, uid);
    const supervised: Supervised = {
      owner: socket,
      events: [],
      pod: supervisePod(plan, journal, this.#pipes, {
        observed: (observation) => {
          if (supervised.owner !== null)
            send(supervised.owner, { op: "observed", uid, observation });
        },
        event: (event) => {
          if (supervised.owner !== null) send(supervised.owner, { op: "event", uid, event });
          else if (supervised.events.length < MAX_KEPT_EVENTS) supervised.events.push(event);
        },
      }),
    };
    this.#pods.set(uid, supervised);
    void this.#run(uid, supervised.pod, journal);
  }

  async #run(uid: string, pod: PodSupervision, journal: Journal): Promise<void> {
    try {
      await pod.run();
    } finally {
      // Kept, for a worker that asks, until its end is on disk.
      await journal.written();
      this.#over(uid);
    }
  }

  #journal({ directory, namespace, name, initContainers, containers }: PodPlan): Journal | null {
    const { pid, start } = this.#registration;
    const names = [...initContainers, ...containers].map((each) => each.name);
    const supervisor = { pid, start };
    return Journal.create(directory, { supervisor, boot: bootId(), namespace, name, names });
  }

  #attach(socket: Socket, uid: string): void {
    const supervised = this.#pods.get(uid);
    if (supervised === undefined) return send(socket, { op: "unknown", uid });
    supervised.owner = socket;
    for (const event of supervised.events) send(socket, { op: "event", uid, event });
    supervised.events = [];
    send(socket, { op: "observed", uid, observation: supervised.pod.observation });
  }

  #over(uid: string): void {
    this.#pods.delete(uid);
    this.#ended.add(uid);
    if (!this.#sweepDue) setTimeout(() => this.#sweep(), SWEEP_DELAY_MS);
    this.#sweepDue = true;
    this.#exitWhenIdle();
  }

  #sweep(): void {
    this.#sweepDue = false;
    sweepMarked(this.#ended);
    this.#ended.clear();
  }

  #exitWhenIdle(): void {
    if (this.#pods.size > 0) return;
    if (this.#draining) return this.#exit();
    if (this.#sockets.size > 0) return;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      if (this.#pods.size === 0 && this.#sockets.size === 0) this.#exit();
    }, this.#idleMs);
  }

  /** A data directory that was removed has no worker to come back to: nothing may stay behind. */
  #check(): void {
    if (isRegistered(this.#dataDir, this.#registration.pid)) return;
    this.#draining = true;
    for (const { pod } of this.#pods.values()) pod.killAll();
    this.#exitWhenIdle();
  }

  /** G3: a Pod may be replaced elsewhere once its worker was away for long; it must not run then. */
  #checkWorkers(): void {
    const silent = [...this.#sockets.values()].every(({ saysAlive }) => saysAlive);
    if (!silent) this.#heardAtMs = performance.now();
    if (performance.now() - this.#heardAtMs < this.#awayMs) return;
    const message = `The worker of this node was away for more than ${this.#awayMs / 1000} s`;
    const disruption = { reason: "TerminationByKubelet", message };
    for (const { pod } of this.#pods.values()) {
      pod.fail({ reason: "Terminated", message, disruption }, AWAY_GRACE_SECONDS);
    }
  }

  #exit(): void {
    this.#sweep();
    this.#server.close();
    this.#sessions.close();
    unregister(this.#dataDir, this.#registration);
    this.#pipes.close();
    // What was written to the connections still goes out.
    const ends = [...this.#sockets.keys()].map(
      (socket) => new Promise<void>((resolve) => socket.end(() => resolve())),
    );
    setTimeout(() => process.exit(0), EXIT_MS);
    void Promise.all(ends).then(() => process.exit(0));
  }
}

/** The last observation of a Pod of which nothing could be started. */
const unstarted = (plan: PodPlan, message: string): Observation => {
  const nowMs = Date.now();
  const record: ContainerRecord = {
    state: "terminated",
    reason: "StartError",
    message,
    exitCode: START_ERROR_CODE,
    startedAtMs: nowMs,
    finishedAtMs: nowMs,
    restartCount: 0,
    ready: false,
  };
  const containers = plan.containers.map(() => record);
  return { phase: "Failed", reason: "StartError", message, ready: false, containers };
};
