// The processes of an installation, made of their real parts: schedulers, workers, and the API that users reach.
import {
  Cleanup,
  type ControllerContext,
  NodeLifecycle,
  syncByKey,
  SyncLoop,
  TimerLoop,
} from "@gantry/scheduler";
import {
  createObject,
  EventRecorder,
  nextFence,
  renewLease,
  type Store,
  Templates,
  Txn,
  WorkQueue,
} from "@gantry/store";
import { adoptAll, PodRunner, scan, type WorkerContext } from "@gantry/worker";
import type { ScriptedHost } from "./scripted-host.ts";
import type { SimulatedQueues } from "./simulated-queues.ts";
import { SimulatedProcess, type World } from "./world.ts";

export const LEASE_MS = 15_000;

/** Events tell no controller anything; leaving them out leaves a third of the steps. */
class NoEvents extends EventRecorder {
  override record(): void {}
}

export type Log = ControllerContext["log"];

/** What errors the parts report, into the trace. */
export const traceLog = (world: World, name: string): Log => {
  const say = (fields: object, message: string): void => {
    const { err, ...rest } = fields as { err?: Error };
    const cause = err === undefined ? "" : `: ${err.message}`;
    world.say(`${name} ${message} ${JSON.stringify(rest)}${cause}`);
  };
  return { debug: say, info: say, warn: say, error: say } as unknown as Log;
};

/** Runs something that a process does on its own; its faults are the process's to survive. */
const background = (log: Log, what: string, run: () => Promise<unknown>): void => {
  run().catch((error: unknown) => log.warn({ err: error }, `${what} failed`));
};

/** Few, so that keys wait for a scheduler though there are few Jobs. */
const SYNC_CONCURRENCY = 2;

export class SchedulerProcess extends SimulatedProcess {
  readonly #log: Log;
  readonly #syncs: SyncLoop;
  readonly #timers: TimerLoop;
  readonly #nodes: NodeLifecycle;
  readonly #cleanup: Cleanup;
  #cleaning = false;

  constructor(
    name: string,
    world: World,
    queues: SimulatedQueues,
    open: (process: SimulatedProcess) => Store,
  ) {
    super(name);
    const store = open(this);
    this.#log = traceLog(world, name);
    const now = (): number => world.nowMs;
    const context: ControllerContext = {
      store,
      queues: queues.of(this),
      templates: new Templates(store),
      events: new NoEvents(store, now, this.#log),
      log: this.#log,
      now,
      newIds: () => ({ uid: world.random.uuid(), suffix: world.random.text(5) }),
      hint: () => {},
    };
    this.#syncs = new SyncLoop({
      queue: new WorkQueue(store, world.random.uuid()),
      sync: syncByKey(context),
      context,
      sleep: (ms) => world.sleep(this, ms),
      concurrency: SYNC_CONCURRENCY,
    });
    this.#cleanup = new Cleanup(context);
    this.#timers = new TimerLoop(context, () => {
      this.clean();
      return Promise.resolve();
    });
    this.#nodes = new NodeLifecycle(context);
    this.sweep();
  }

  /** Hears that keys wait for a scheduler. */
  ring(): void {
    this.#syncs.ring();
  }

  fireTimers(): void {
    background(this.#log, "timers", () => this.#timers.fire());
  }

  sweep(): void {
    background(this.#log, "workqueue sweep", () => this.#syncs.sweep());
  }

  checkNodes(): void {
    background(this.#log, "node check", () => this.#nodes.check());
  }

  clean(): void {
    if (this.#cleaning) return;
    this.#cleaning = true;
    background(this.#log, "cleanup", async () => {
      await this.#cleanup.run().finally(() => {
        this.#cleaning = false;
      });
    });
  }
}

/** `start-worker.ts`: a Pod that can't be run here now is looked at again after this long. */
const GIVEN_BACK_MS = 2_000;

export class WorkerProcess extends SimulatedProcess {
  readonly node: string;
  readonly #world: World;
  readonly #queues: SimulatedQueues;
  readonly #store: Store;
  readonly #log: Log;
  readonly #concurrency: number;
  readonly #host: ScriptedHost;
  readonly held = new Set<object>();
  #runner: PodRunner | undefined;
  #context: WorkerContext | undefined;

  constructor(
    name: string,
    world: World,
    queues: SimulatedQueues,
    open: (process: SimulatedProcess) => Store,
    how: { readonly host: ScriptedHost; readonly concurrency: number },
  ) {
    super(name);
    this.node = how.host.name;
    this.#host = how.host;
    this.#world = world;
    this.#queues = queues;
    this.#store = open(this);
    this.#log = traceLog(world, name);
    this.#concurrency = how.concurrency;
    background(this.#log, "start", () => this.#start());
  }

  async #start(): Promise<void> {
    const [world, store, log] = [this.#world, this.#store, this.#log];
    const now = (): number => world.nowMs;
    // A process that can't start ends and is started again; here it tries on.
    for (;;) {
      try {
        const fence = await nextFence(store);
        await this.#register();
        this.#context = {
          store,
          templates: new Templates(store),
          events: new NoEvents(store, now, log),
          log,
          now,
          sleep: (ms, signal) => world.sleep(this, ms, signal),
          node: this.node,
          hostIP: "10.0.0.1",
          fence,
          runtimes: new Map([["simulated", this.#host.runtime(this)]]),
          defaultRuntime: "simulated",
        };
        const runner = new PodRunner(this.#context);
        await adoptAll(this.#context, runner);
        this.#runner = runner;
        return;
      } catch (error) {
        log.warn({ err: error }, "start failed");
        await world.sleep(this, 1_000);
      }
    }
  }

  async #register(): Promise<void> {
    const store = this.#store;
    await renewLease(store, this.node, this.#world.nowMs + LEASE_MS);
    for (;;) {
      if ((await store.get("nodes", this.node)) !== null) return;
      const txn = new Txn();
      const metadata = {
        name: this.node,
        uid: this.#world.random.uuid(),
        creationTimestamp: "2023-11-14T22:13:20Z",
      };
      createObject(txn, "nodes", { kind: "Node", apiVersion: "v1", metadata }, this.#world.nowMs);
      if ((await store.commit(txn)).ok) return;
    }
  }

  get hasRoom(): boolean {
    return this.#runner !== undefined && this.held.size < this.#concurrency;
  }

  /** Renews its lease, and its Node if that was taken away meanwhile. */
  heartbeat(): void {
    background(this.#log, "heartbeat", () => this.#register());
  }

  rescan(): void {
    const [context, runner] = [this.#context, this.#runner];
    if (context === undefined || runner === undefined) return;
    background(this.#log, "rescan", () => scan(context, runner));
  }

  /** Something came into the node's inbox. */
  recheck(key: string, uid: string): void {
    this.#world.step(this, `looks at ${key}`, () => {
      background(this.#log, "recheck", async () => this.#runner?.recheck(key, uid));
    });
  }

  /** Takes a Pod from the queue and runs it to its end. */
  take(uid: string): void {
    const runner = this.#runner;
    const holder = { uid };
    const payload = this.#queues.pods.take(uid, holder);
    if (runner === undefined || payload === undefined) return;
    this.held.add(holder);
    this.#world.say(`${this.name} takes ${payload.name}`);
    const giveBack = (delayMs: number | undefined): void => {
      this.#world.step(this, `finishes ${payload.name}`, () => {
        this.held.delete(holder);
        if (delayMs === undefined) this.#queues.pods.finish(uid, holder);
        else this.#queues.pods.delay(uid, holder, delayMs);
      });
    };
    runner.run(payload).then(
      ({ kind }) => {
        const goesOn = kind === "elsewhere" || kind === "unclaimed";
        giveBack(goesOn ? GIVEN_BACK_MS : undefined);
      },
      (error: unknown) => {
        this.#log.error({ err: error, pod: payload.name }, "run failed");
        giveBack(undefined);
      },
    );
  }
}
