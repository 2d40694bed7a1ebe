// One task from PROVISIONING to STOPPED: its states, its containers as local processes, its faults.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { TaskStopCode } from "@aws-sdk/client-ecs";
import type { Clock } from "../clock.ts";
import { ContainerGroup } from "../run/container-group.ts";
import type { StartFailure } from "../run/container-process.ts";
import type { Pipes } from "../run/pipes.ts";
import type { Timings } from "../settings.ts";
import type { Capacity } from "./capacity.ts";
import { groupParts, type PartsContext } from "./task-containers.ts";
import { initFault, pullFault } from "./task-preparation.ts";
import type { TaskRecord } from "./task-record.ts";

export interface StopRequest {
  readonly stopCode: TaskStopCode;
  readonly reason: string;
  /**
   * `lost`: the host is gone, and with it every exit code. `spot`: the grace is the warning's at
   * most.
   */
  readonly manner: "graceful" | "spot" | "lost";
}

export interface LifecycleContext extends PartsContext {
  readonly clock: Clock;
  readonly timings: Timings;
  readonly pipes: Pipes;
  readonly capacity: Capacity;
  /** Tells of a change: the task's version has risen. */
  emit(record: TaskRecord): void;
  ended(record: TaskRecord): void;
}

/** How often a task that waits for managed scaling looks for room. */
const ROOM_POLL_MS = 20;

/** What an interruption by a fault looks like. */
const interruptions = {
  spot: {
    stopCode: "SpotInterruption",
    reason: "Your Spot Task was interrupted.",
    manner: "spot",
  },
  hostLoss: {
    stopCode: "TerminationNotice",
    reason: "Host EC2 (instance i-0123456789abcdef0) terminated.",
    manner: "lost",
  },
  maintenance: {
    stopCode: "InfrastructureHealth",
    reason:
      "Amazon ECS is performing maintenance on the underlying infrastructure hosting the task.",
    manner: "graceful",
  },
  humanStop: {
    stopCode: "UserInitiated",
    reason: "Task stopped by an operator in the console",
    manner: "graceful",
  },
} as const satisfies Record<string, StopRequest>;

const OOM_REASON = "OutOfMemoryError: Container killed due to memory usage";

export class TaskLifecycle {
  readonly #record: TaskRecord;
  readonly #context: LifecycleContext;
  #instance: string | undefined;
  #waitsForRoom: boolean;
  #request: StopRequest | null = null;
  #group: ContainerGroup | null = null;
  #wake: () => void = () => {};
  readonly #asked: Promise<void>;
  #cancelFault: () => void = () => {};

  constructor(
    record: TaskRecord,
    instance: string | undefined,
    waitsForRoom: boolean,
    context: LifecycleContext,
  ) {
    this.#record = record;
    this.#instance = instance;
    this.#waitsForRoom = waitsForRoom;
    this.#context = context;
    this.#asked = new Promise((resolve) => (this.#wake = resolve));
  }

  /** The first request decides the stop code; later ones change nothing. */
  stop(request: StopRequest): void {
    const { task } = this.#record;
    if (this.#request !== null || task.desiredStatus === "STOPPED") return;
    this.#request = request;
    task.stopCode = request.stopCode;
    task.stoppedReason = request.reason;
    task.desiredStatus = "STOPPED";
    task.stoppingAt = this.#now();
    if (request.manner !== "lost") this.#changed();
    this.#wake();
  }

  /** The record is lost with everything that runs, and nobody is told. */
  async vanish(): Promise<void> {
    this.#record.gone = true;
    this.stop({ stopCode: "TerminationNotice", reason: "vanished", manner: "lost" });
    await this.#group?.kill();
  }

  async live(): Promise<void> {
    const { timings } = this.#context;
    this.#changed();
    await this.#pause(timings.provisioningMs);
    if (this.#record.fault?.fault === "stuck") await this.#asked;
    while (this.#waitsForRoom && !this.#stops) await this.#findRoom();
    if (!this.#stops) await this.#prepare();
    if (!this.#stops) await this.#run();
    await this.#end();
  }

  get #stops(): boolean {
    return this.#record.task.desiredStatus === "STOPPED";
  }

  #now(): Date {
    return new Date(this.#context.clock.nowMs());
  }

  #changed(): void {
    const { task } = this.#record;
    task.version = (task.version ?? 0) + 1;
    if (!this.#record.gone) this.#context.emit(this.#record);
  }

  #enter(status: string): void {
    this.#record.task.lastStatus = status;
    this.#changed();
  }

  /** Waits, or less when the task is asked to stop. */
  async #pause(ms: number): Promise<void> {
    let cancel = (): void => {};
    const over = new Promise<void>(
      (resolve) => (cancel = this.#context.clock.after(ms, () => resolve())),
    );
    await Promise.race([over, this.#asked]);
    cancel();
  }

  /** Waits in full: for states on the way down. */
  async #wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => void this.#context.clock.after(ms, resolve));
  }

  async #findRoom(): Promise<void> {
    const { cluster, place } = this.#record;
    this.#instance = this.#context.capacity.tryWaiting(cluster, place);
    if (this.#instance === undefined) return this.#pause(ROOM_POLL_MS);
    this.#waitsForRoom = false;
    this.#record.task.containerInstanceArn = this.#instance;
  }

  #failToStart(reason: string): void {
    const { task } = this.#record;
    task.stopCode = "TaskFailedToStart";
    task.stoppedReason = reason;
    task.desiredStatus = "STOPPED";
    task.stoppingAt = this.#now();
    this.#changed();
  }

  async #prepare(): Promise<void> {
    const { task, definition, fault } = this.#record;
    const { timings } = this.#context;
    const attachment = task.attachments?.[0];
    if (attachment !== undefined) attachment.status = "ATTACHED";
    task.connectivity = "CONNECTED";
    task.connectivityAt = this.#now();
    this.#enter("PENDING");
    await this.#pause(timings.pendingMs);
    if (this.#stops) return;
    const init = initFault(this.#record, this.#context);
    if (init !== undefined) return this.#failToStart(init);
    task.pullStartedAt = this.#now();
    this.#changed();
    await this.#pause(timings.pullMs);
    if (this.#stops) return;
    const pull = pullFault(definition, this.#context.settings.images, fault?.fault === "pullError");
    if (pull !== undefined) {
      for (const container of task.containers ?? []) container.reason = pull;
      return this.#failToStart(pull);
    }
    task.pullStoppedAt = this.#now();
    this.#enter("ACTIVATING");
    await this.#pause(timings.activatingMs);
  }

  async #run(): Promise<void> {
    const record = this.#record;
    const { clock, pipes, timings } = this.#context;
    const directory = join(this.#context.directory, "tasks", record.id);
    const group = new ContainerGroup(groupParts(record, directory, this.#context), {
      clock,
      pipes,
      secondMs: timings.secondMs,
      changed: () => this.#containersChanged(),
      ran: (run) => {
        record.run.startedAtMs ??= run.startedAtMs;
        record.run.containers.push(run);
      },
    });
    this.#group = group;
    const first = await Promise.race([
      group.start().then(() => "started" as const),
      group.essentialEnd.then(() => "ended" as const),
      group.failure,
      this.#asked.then(() => "asked" as const),
    ]);
    if (first === "started" || first === "ended") {
      record.task.startedAt = this.#now();
      this.#enter("RUNNING");
      this.#armFault();
      const end = await Promise.race([
        group.essentialEnd.then(() => "ended" as const),
        group.failure,
        this.#asked.then(() => "asked" as const),
      ]);
      this.#ranTo(end);
    } else {
      this.#ranTo(first);
    }
    this.#cancelFault();
    await this.#shutDown(group);
    await rm(directory, { recursive: true, force: true });
  }

  #ranTo(end: "ended" | "asked" | StartFailure): void {
    if (this.#stops) return;
    if (end === "ended") {
      const { task } = this.#record;
      task.stopCode = "EssentialContainerExited";
      task.stoppedReason = "Essential container in task exited";
      task.desiredStatus = "STOPPED";
      task.stoppingAt = this.#now();
      this.#changed();
    } else if (end !== "asked") {
      this.#failToStart("Task failed to start");
    }
  }

  async #shutDown(group: ContainerGroup): Promise<void> {
    const { timings } = this.#context;
    const { task } = this.#record;
    if (this.#request?.manner === "lost") {
      await group.kill();
      for (const container of task.containers ?? []) delete container.exitCode;
      return;
    }
    const grace = this.#request?.manner === "spot" ? timings.spotWarningMs : undefined;
    const stopped = group.stop(grace);
    // A Spot task that was warned still counts as RUNNING, as its event says.
    if (this.#request?.manner !== "spot") {
      this.#enter("DEACTIVATING");
      await this.#wait(timings.deactivatingMs);
      this.#enter("STOPPING");
    }
    await stopped;
    task.executionStoppedAt = this.#now();
    await this.#wait(timings.stoppingMs);
  }

  async #end(): Promise<void> {
    const record = this.#record;
    const { task, run } = record;
    const { timings, clock, capacity } = this.#context;
    const lost = this.#request?.manner === "lost";
    if (!lost) {
      this.#enter("DEPROVISIONING");
      await this.#wait(timings.deprovisioningMs);
    }
    for (const container of task.containers ?? []) container.lastStatus = "STOPPED";
    const attachment = task.attachments?.[0];
    if (attachment !== undefined) attachment.status = "DELETED";
    task.stoppedAt = this.#now();
    record.stoppedAtMs = clock.nowMs();
    if (this.#waitsForRoom) capacity.leaveWaiting(record.cluster);
    else capacity.release(record.place, this.#instance);
    run.endedAtMs = clock.nowMs();
    run.stopCode = task.stopCode ?? null;
    run.stoppedReason = task.stoppedReason ?? null;
    this.#enter("STOPPED");
    this.#context.ended(record);
  }

  #containersChanged(): void {
    const { task } = this.#record;
    // Of a host that is lost nothing is heard.
    if (this.#request?.manner === "lost") return;
    const statuses = (task.containers ?? []).flatMap(({ healthStatus }) =>
      healthStatus === undefined || healthStatus === "UNKNOWN" ? [] : [healthStatus],
    );
    if (statuses.length > 0) {
      task.healthStatus = statuses.includes("UNHEALTHY") ? "UNHEALTHY" : "HEALTHY";
    }
    if (task.lastStatus === "RUNNING" || task.lastStatus === "ACTIVATING") this.#changed();
  }

  /** The faults of a running task. */
  #armFault(): void {
    const { fault } = this.#record;
    if (fault === undefined) return;
    this.#cancelFault = this.#context.clock.after(fault.ms, () => {
      switch (fault.fault) {
        case "oom":
          this.#group?.killEssential(OOM_REASON);
          return;
        case "spot":
        case "hostLoss":
        case "maintenance":
        case "humanStop":
          this.stop(interruptions[fault.fault]);
          return;
        case "vanish":
          void this.vanish();
          return;
        default:
      }
    });
  }

  /** As if the fault of this name had come now. */
  interrupt(kind: keyof typeof interruptions): void {
    this.stop(interruptions[kind]);
  }

  /** Everything that runs is killed: the fake closes. */
  async kill(): Promise<void> {
    this.#cancelFault();
    this.stop({ stopCode: "TerminationNotice", reason: "the fake was closed", manner: "lost" });
    await this.#group?.kill();
  }
}

export type Interruption = keyof typeof interruptions;
