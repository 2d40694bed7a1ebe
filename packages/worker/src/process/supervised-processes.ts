// A Pod's containers as local processes: what the shared supervision drives in the supervisor.
import { readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dropOldLogs, LogFile, logFileName, logSequences } from "../logs/log-file.ts";
import { decodeRecord } from "../logs/log-record.ts";
import type { ContainerDriver, StartOutcome, StartReports } from "../pod/container-driver.ts";
import { type PodReports, PodSupervision } from "../pod/pod-supervision.ts";
import type { Exec } from "../pod/prober.ts";
import { messageFromFile, messageFromLog } from "../pod/termination-message.ts";
import { type Session, SessionRefused, type SessionRequest } from "../sessions/session.ts";
import type { ContainerIo } from "./container-io.ts";
import { execBeside, isPreparing, startContainer } from "./container-process.ts";
import { type ExecSession, openExec } from "./exec-session.ts";
import type { Journal } from "./journal.ts";
import { signalGroup } from "./leftovers.ts";
import type { PipePool } from "./pipe-pool.ts";
import { watchVolumeLimits } from "../pod/volume-limits.ts";
import { type ContainerPlan, logDirectory, type PodPlan } from "./pod-plan.ts";

/** Making mounts takes tens of milliseconds. */
const PREPARE_POLL_MS = 5;
/** Exit code of a container that could not be started, as containerd reports it. */
const START_ERROR_CODE = 128;
/** A kubelet's, for a volume above its limit. */
const EVICTION_GRACE_SECONDS = 1;

/** The Pod's journal gets every process before its output, and every state before the worker. */
export const supervisePod = (
  plan: PodPlan,
  journal: Journal,
  pipes: PipePool,
  reports: PodReports,
): PodSupervision => {
  const supervised = (container: ContainerPlan) => ({
    behaviour: container,
    driver: new ProcessDriver(container, plan, journal, pipes),
  });
  const facts = { podIP: plan.podIP, hostIP: plan.podIP, handle: plan.directory };
  const evicted = (message: string): void => {
    reports.event({ type: "Warning", reason: "Evicted", message });
    supervision.fail({ reason: "Evicted", message }, EVICTION_GRACE_SECONDS);
  };
  const unwatch = watchVolumeLimits(plan.volumeLimits, plan.volumeCheckMs, evicted);
  const supervision = new PodSupervision(
    {
      ...plan,
      startedAtMs: Date.now(),
      facts,
      initContainers: plan.initContainers.map(supervised),
      containers: plan.containers.map(supervised),
    },
    {
      event: (event) => reports.event(event),
      observed: (observation) => {
        journal.append({ observation });
        const { phase } = observation;
        if (phase === "Succeeded" || phase === "Failed") {
          unwatch();
          journal.close();
        }
        reports.observed(observation);
      },
    },
  );
  return supervision;
};

/** Opens a session in one of the Pod's containers. Throws `SessionRefused`. */
export const openSessionIn = (pod: PodSupervision, request: SessionRequest): Promise<Session> => {
  const { initContainers, containers, name } = pod.behaviour;
  const found = [...initContainers, ...containers].find(
    ({ behaviour }) => behaviour.name === request.container,
  );
  if (!(found?.driver instanceof ProcessDriver)) {
    throw new SessionRefused(`container ${request.container} is not valid for pod ${name}`);
  }
  return found.driver.openSession(request);
};

class ProcessDriver implements ContainerDriver {
  readonly #plan: ContainerPlan;
  readonly #pod: PodPlan;
  readonly #journal: Journal;
  readonly #pipes: PipePool;
  #pid: number | null = null;
  #io: ContainerIo | null = null;
  readonly #commands = new Set<ExecSession>();

  constructor(plan: ContainerPlan, pod: PodPlan, journal: Journal, pipes: PipePool) {
    this.#plan = plan;
    this.#pod = pod;
    this.#journal = journal;
    this.#pipes = pipes;
  }

  start(restart: number, reports: StartReports): StartOutcome | Promise<StartOutcome> {
    if (restart > 1) dropOldLogs(this.#logs, restart);
    this.#clearMessage();
    const log = new LogFile(this.#logs, restart, this.#pod.logLimits);
    const startedAtMs = Date.now();
    let started: ReturnType<typeof startContainer>;
    try {
      started = startContainer(this.#plan, this.#pod, this.#pipes, log);
    } catch (error) {
      // No room for its pipes or scratch directory, no process left to be had.
      return { failed: { exitCode: START_ERROR_CODE, startError: (error as Error).message } };
    }
    const { identity, io, exited } = started;
    if (identity === null) return exited.then((failed) => ({ failed }));
    this.#journal.append({ process: identity });
    this.#pid = identity.pid;
    this.#io = io;
    reports.event("Normal", "Created", "Container created");
    return {
      containerID: `process://${identity.pid}-${identity.start}`,
      imageID: "",
      startedAtMs,
      resumed: false,
      exited: exited.finally(() => this.#over()),
    };
  }

  async openSession(request: SessionRequest): Promise<Session> {
    const { container, command } = request;
    const pid = await this.#prepared();
    if (pid === null || this.#io === null) {
      throw new SessionRefused(
        `container "${container}" of pod "${this.#pod.name}" is not running`,
      );
    }
    if (command === null) return this.#io.attach(request);
    const session = openExec(this.#plan, this.#pod, pid, this.#pipes, { ...request, command });
    this.#commands.add(session);
    void session.ended.then(() => this.#commands.delete(session));
    return session;
  }

  /** Commands that clients run in it end with the container. */
  #over(): void {
    this.#pid = null;
    this.#io = null;
    for (const command of this.#commands) command.kill();
  }

  signal(name: NodeJS.Signals | undefined): void {
    if (this.#pid !== null) signalGroup(this.#pid, name ?? this.#plan.stopSignal);
  }

  readonly exec: Exec = async (argv, timeoutMs) => {
    const pid = await this.#prepared();
    return pid === null
      ? { exitCode: -1, output: "container not running", timedOut: false }
      : execBeside(this.#plan, this.#pod, pid, argv, timeoutMs);
  };

  /** The container's process, once it has the mounts that commands beside it are to see. */
  async #prepared(): Promise<number | null> {
    while (this.#pid !== null && isPreparing(this.#plan, this.#pod, this.#pid)) {
      await sleep(PREPARE_POLL_MS);
    }
    return this.#pid;
  }

  message(restart: number, exitCode: number): string {
    const { messageFile, messageFromLogs } = this.#plan;
    const text = messageFile === undefined ? "" : messageFromFile(messageFile);
    if (text !== "" || exitCode === 0 || !messageFromLogs) return text;
    return messageFromLog(newestLog(this.#logs, restart));
  }

  get #logs(): string {
    return logDirectory(this.#pod.directory, this.#plan.name);
  }

  #clearMessage(): void {
    try {
      if (this.#plan.messageFile !== undefined) truncateSync(this.#plan.messageFile);
    } catch {
      // Not there: there is nothing to clear.
    }
  }
}

const newestLog = (directory: string, restart: number): string => {
  const sequence = logSequences(directory, restart).at(-1);
  if (sequence === undefined) return "";
  const data = readFileSync(join(directory, logFileName(restart, sequence)));
  let text = "";
  for (const line of data.toString("latin1").split("\n")) {
    const record = decodeRecord(Buffer.from(line, "latin1"));
    if (record !== null) text += record.text.toString() + (record.whole ? "\n" : "");
  }
  return text;
};
