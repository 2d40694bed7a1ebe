// One seeded run: an installation, its Jobs, its users, and everything that goes wrong. Replays exactly.
import { isFinished, isTerminal, type Job, type PodRecord } from "@gantry/core";
import { decodeBody, resources, suffix } from "@gantry/store";
import type { Redis } from "ioredis";
import { Auditor, type JobHistory, Violation } from "./auditor.ts";
import { CELL, openGatedStore } from "./gated-store.ts";
import { type JobScript, type Ledger, NAMESPACE, newJobScript } from "./job-scripts.ts";
import { LEASE_MS, SchedulerProcess, WorkerProcess } from "./processes.ts";
import { Random } from "./random.ts";
import { type Run, ScriptedHost } from "./scripted-host.ts";
import { SimulatedQueues } from "./simulated-queues.ts";
import { User } from "./user.ts";
import { settled, SimulatedProcess, type Step, type StepFault, World } from "./world.ts";

export interface SimulationResult {
  readonly jobs: number;
  /** Jobs whose end the script determines; the others are held to the invariants alone. */
  readonly determined: number;
  readonly steps: number;
  readonly crashes: number;
  readonly faults: number;
  readonly simulatedMs: number;
}

export interface SimulationOptions {
  readonly url: string;
  /** For this simulation alone: what it holds is thrown away. */
  readonly redis: Redis;
  readonly seed: number;
}

/** What a run may take before it counts as one that does not come to rest. */
const STEPS_MAX = 60_000;
const IDLE_ROUNDS_MAX = 40;
const IDLE_MS = 15_000;
const SWEEP_MS = 2_000;

/** A chance of each, a step. */
const CRASH = 0.008;
const FAULT = 0.01;
const PAUSE = 0.002;
const EARLY_TIME = 0.02;
const SPONTANEOUS = 0.004;

const lastingFamilies: ReadonlySet<string> = new Set(["successPolicy", "deadline", "restarting"]);

interface Machine {
  readonly host: ScriptedHost;
  worker: WorkerProcess | undefined;
}

export class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: Random;
  readonly #world: World;
  readonly #queues: SimulatedQueues;
  readonly #auditor: Auditor;
  /** Of rings of the schedulers' bell, and of what is put into nodes' inboxes. */
  readonly #lossRate: number;
  readonly #scripts: JobScript[] = [];
  readonly #runs: Run[] = [];
  readonly #schedulers: (SchedulerProcess | undefined)[];
  readonly #machines: Machine[];
  readonly #api = new SimulatedProcess("api");
  readonly #user: User;
  /** Actions of users that are still to come. */
  #plans = 0;
  #steps = 0;
  #crashes = 0;
  #faults = 0;
  #crashesLeft: number;
  #faultsLeft: number;
  #pausesLeft: number;
  #sweptAtMs = 0;
  #checkedAtMs = 0;
  #scannedAtMs = 0;
  /** Keys that wait for a scheduler, and whether any scheduler was told. */
  #ready = 0;
  #rung = false;
  /** Nothing goes wrong any more: what is broken now must mend. */
  #calm = false;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#world = new World(this.#random);
    this.#auditor = new Auditor(options.redis, CELL);
    const random = this.#random;
    this.#crashesLeft = random.int(0, 6);
    this.#faultsLeft = random.int(0, 6);
    this.#pausesLeft = random.int(0, 2);
    this.#lossRate = random.pick([0, 0.05, 0.3]);
    this.#queues = new SimulatedQueues(this.#world, options.redis, `{${CELL}}:q:pods:`);
    this.#schedulers = Array.from({ length: random.int(1, 2) }, () => undefined);
    this.#machines = Array.from({ length: random.int(1, 3) }, (_, n) => ({
      host: new ScriptedHost(`w${n}`, this.#world, this.#script()),
      worker: undefined,
    }));
    this.#user = new User(this.#world, this.#open(this.#api));
  }

  get trace(): readonly string[] {
    return this.#world.trace;
  }

  async run(): Promise<SimulationResult> {
    await this.#options.redis.flushall();
    const jobs = this.#random.int(1, 4);
    for (let n = 0; n < jobs; n++) {
      this.#scripts.push(newJobScript(this.#random, n, this.#world.nowMs));
    }
    for (const n of this.#schedulers.keys()) this.#startScheduler(n);
    for (const machine of this.#machines) this.#startWorker(machine);
    for (const script of this.#scripts) {
      this.#world.say(`${script.family} ${JSON.stringify(script.job.spec)}`);
      this.#plan(this.#random.int(0, 5_000), `create ${script.job.metadata.name}`, () =>
        // Asked again after it was collected, it would be another Job, with a uid of its own.
        this.#history(script.job.metadata.name) === undefined
          ? this.#user.create(script.job)
          : Promise.resolve(),
      );
      this.#planInterference(script);
    }
    await this.#until(() => this.#plans === 0 && this.#allEnded());
    const determined = this.#checkOutcomes();
    await this.#tearDown();
    return {
      jobs,
      determined,
      steps: this.#steps,
      crashes: this.#crashes,
      faults: this.#faults,
      simulatedMs: this.#world.nowMs - 1_700_000_000_000,
    };
  }

  #open(process: SimulatedProcess) {
    const onInbox = (node: string, key: string, uid: string): void => {
      const machine = this.#machines.find(({ host }) => host.name === node);
      // An inbox may be cut off, and goes with a node that was given up.
      if (!this.#random.chance(this.#lossRate)) machine?.worker?.recheck(key, uid);
    };
    const onQueued = (): Promise<void> => this.#queues.collect();
    return openGatedStore(this.#world, process, this.#options, { onInbox, onQueued });
  }

  #startScheduler(n: number): void {
    const open = (process: SimulatedProcess) => this.#open(process);
    this.#schedulers[n] = new SchedulerProcess(`s${n}`, this.#world, this.#queues, open);
  }

  #startWorker(machine: Machine): void {
    const open = (process: SimulatedProcess) => this.#open(process);
    // Pods that never end would keep the others waiting for ever.
    const lasting = this.#scripts.some(({ family }) => lastingFamilies.has(family));
    const how = { host: machine.host, concurrency: lasting ? 100 : this.#random.int(1, 6) };
    machine.worker = new WorkerProcess(machine.host.name, this.#world, this.#queues, open, how);
  }

  // --- what containers do ---

  #script() {
    return {
      fate: (name: string, index: number | undefined) => {
        const script = this.#scripts.find(({ job }) => job.metadata.name === name);
        if (script === undefined) throw new Violation(`a Pod of an unknown Job runs: ${name}`);
        const runs = this.#runs.filter((run) => run.job === name && run.index === index);
        // Those that were stopped or lost did not have the failure that they were to have.
        const failures = runs.filter(
          ({ end, fate }) => fate.exitCode !== 0 && (end === "natural" || end === undefined),
        );
        return script.fate(index, index === undefined ? runs.length : failures.length);
      },
      started: (run: Run) => {
        this.#world.say(`** ${run.name} starts on ${run.host}`);
        this.#runs.push(run);
        const others = this.#runs.filter((one) => one.end === undefined && one !== run);
        if (others.some(({ uid }) => uid === run.uid)) {
          // Thrown here, the worker would take it for a fault of its runtime.
          this.#world.audits.push(() =>
            Promise.reject(new Violation(`${run.name} runs on two machines`)),
          );
        }
        if (run.index === undefined) return;
        for (const other of others) {
          if (other.job !== run.job || other.index !== run.index) continue;
          this.#world.audits.push(() => this.#mayBothRun(run, other));
        }
      },
      ended: (run: Run) => {
        this.#world.say(`** ${run.name} ended: ${run.end} ${run.exitCode ?? ""}`);
      },
    };
  }

  /** G3: of two Pods of an index, the older has been told to end, or is given up with its node. */
  async #mayBothRun(run: Run, other: Run): Promise<void> {
    const pod = await this.#pod(other.name);
    if (pod === null || pod.uid !== other.uid) return;
    if (isTerminal(pod) && pod.reason === "NodeLost") return;
    const spec = this.#history(run.job)?.job.spec;
    const strict = spec?.podReplacementPolicy === "Failed" || spec?.podFailurePolicy !== undefined;
    if (pod.deletion !== undefined && !strict) return;
    throw new Violation(`index ${run.index} of ${run.job} runs twice: ${run.name}, ${other.name}`);
  }

  async #pod(name: string): Promise<PodRecord | null> {
    const key = `${NAMESPACE}/${name}`;
    const value = await this.#options.redis.hget(`{${CELL}}:${suffix.objects("pods")}`, key);
    return value === null ? null : decodeBody("pods", key, value.slice(value.indexOf(" ") + 1));
  }

  #history(jobName: string): JobHistory | undefined {
    return [...this.#auditor.histories.values()].find(({ job }) => job.metadata.name === jobName);
  }

  // --- what users do ---

  #plan(inMs: number, what: string, act: () => Promise<void>, then?: () => void): void {
    this.#plans += 1;
    this.#world.at(this.#world.nowMs + inMs, what, () => {
      act()
        .then(then, (error: unknown) => {
          this.#world.say(`${what} failed: ${String(error)}`);
          // A user whose request failed asks again.
          this.#plan(1_000, what, act, then);
        })
        .finally(() => {
          this.#plans -= 1;
        });
    });
  }

  #planInterference({ job }: JobScript): void {
    const random = this.#random;
    const key = `${NAMESPACE}/${job.metadata.name}`;
    const later = (): number => 5_001 + random.int(0, random.pick([2_000, 60_000]));
    const { parallelism } = job.spec;
    if (random.chance(0.25)) {
      const suspend = (to: boolean) => () => this.#user.change(key, () => ({ suspend: to }));
      this.#plan(later(), `suspend ${key}`, suspend(true), () =>
        this.#plan(random.int(0, 40_000), `resume ${key}`, suspend(false)),
      );
    }
    if (random.chance(0.25)) {
      const other = random.int(0, 4);
      const scale = (to: number) => () => this.#user.change(key, () => ({ parallelism: to }));
      this.#plan(later(), `scale ${key} to ${other}`, scale(other), () =>
        this.#plan(random.int(0, 40_000), `scale ${key} back`, scale(parallelism)),
      );
    }
    for (let n = random.pick([0, 0, 0, 1, 2, 3]); n > 0; n--) {
      const evict = random.chance(0.4);
      const grace = random.pick([undefined, undefined, 0, 1]);
      this.#plan(later(), `${evict ? "evict" : "delete"} a pod of ${key}`, async () => {
        const pods = [...(this.#history(job.metadata.name)?.pods.values() ?? [])];
        const going = pods.filter((pod) => !isTerminal(pod));
        if (going.length === 0) return;
        const pod = `${NAMESPACE}/${random.pick(going).name}`;
        this.#world.say(pod);
        await (evict ? this.#user.evict(pod) : this.#user.deletePod(pod, grace));
      });
    }
    if (random.chance(0.1)) {
      const how = random.pick(["Background", "Foreground", "Orphan"] as const);
      this.#plan(later(), `delete ${key} ${how}`, () => this.#user.deleteJob(key, how));
    }
  }

  // --- time and steps ---

  /** Lets the world go on until this holds, or says what holds it up. */
  async #until(done: () => boolean | Promise<boolean>): Promise<void> {
    let idle = 0;
    for (;;) {
      await settled();
      for (const audit of this.#world.audits.splice(0)) await audit();
      if (++this.#steps > STEPS_MAX) throw new Violation(`no rest: ${await this.#describe()}`);
      await this.#listen();
      const steps = this.#choices();
      if (steps.length === 0 || this.#random.chance(EARLY_TIME)) {
        const before = this.#auditor.changes;
        await this.#auditor.read();
        if (steps.length === 0 && (await done())) return;
        const waited = await this.#passTime(steps.length > 0);
        if (before !== this.#auditor.changes) idle = 0;
        else if (steps.length === 0) idle = waited ? idle + 1 : 0;
        if (idle > IDLE_ROUNDS_MAX) throw new Violation(`stuck: ${await this.#describe()}`);
        continue;
      }
      await this.#go(this.#random.pick(steps));
      if (!this.#calm && this.#random.chance(SPONTANEOUS)) this.#anything();
    }
  }

  /** All that may happen next: a step that somebody waits to take, or the taking of a queue job. */
  #choices(): (Step | (() => void))[] {
    const { nowMs } = this.#world;
    const choices: (Step | (() => void))[] = this.#world.runnable();
    if (this.#rung) {
      for (const scheduler of this.#live(this.#schedulers)) {
        choices.push(() => {
          this.#rung = false;
          scheduler.ring();
        });
      }
    }
    for (const worker of this.#live(this.#machines.map((machine) => machine.worker))) {
      if (!worker.hasRoom) continue;
      const waiting = this.#queues.pods.waiting;
      if (waiting.length > 0) choices.push(() => worker.take(this.#random.pick(waiting)));
    }
    this.#world.nowMs = nowMs;
    return choices;
  }

  /** The bell rings when keys are added, unless the ring is lost: then sweeps find them. */
  async #listen(): Promise<void> {
    const ready = await this.#options.redis.zcard(`{${CELL}}:${suffix.ready}`);
    if (ready > this.#ready) this.#rung ||= !this.#random.chance(this.#lossRate);
    this.#ready = ready;
  }

  #live<P extends SimulatedProcess>(processes: readonly (P | undefined)[]): P[] {
    return processes.filter(
      (one) => one !== undefined && one.alive && one.pausedUntilMs <= this.#world.nowMs,
    ) as P[];
  }

  async #go(choice: Step | (() => void)): Promise<void> {
    if (typeof choice === "function") {
      choice();
      return;
    }
    const random = this.#random;
    const { process, what, run } = choice;
    const mayCrash = !this.#calm && this.#crashesLeft > 0 && process !== this.#api;
    const crash =
      mayCrash && random.chance(CRASH)
        ? random.pick(["before", "after", "cut"] as const)
        : undefined;
    if (crash === "before") {
      this.#crash(process, `before ${what}`);
      return;
    }
    if (!this.#calm && this.#pausesLeft > 0 && random.chance(PAUSE)) {
      this.#pausesLeft -= 1;
      process.pausedUntilMs = this.#world.nowMs + random.pick([3_000, 20_000, 100_000]);
      this.#world.say(`!! ${process.name} stands still before ${what}`);
      this.#world.at(process.pausedUntilMs, `${process.name} goes on`, () => {});
      this.#stallHeld(process);
      return;
    }
    let fault: StepFault | undefined = crash === "cut" ? "cut" : undefined;
    if (crash === undefined && !this.#calm && this.#faultsLeft > 0 && random.chance(FAULT)) {
      this.#faultsLeft -= 1;
      this.#faults += 1;
      fault = random.pick(["refused", "unheard", "resent"] as const);
    }
    this.#world.take(choice);
    this.#world.say(`${process.name} ${fault === undefined ? "" : `(${fault}) `}${what}`);
    if (crash !== undefined) this.#crash(process, `at ${what}`);
    await run(fault);
  }

  /** Whatever it held in memory is gone; its locks run out; after a while it is started again. */
  #crash(process: SimulatedProcess, where: string): void {
    const random = this.#random;
    this.#crashesLeft -= 1;
    this.#crashes += 1;
    this.#world.say(`!! ${process.name} dies ${where}`);
    this.#stallHeld(process);
    this.#world.kill(process);
    const n = this.#schedulers.findIndex((one) => one === process);
    if (n >= 0) {
      this.#world.at(this.#world.nowMs + random.int(0, 20_000), `s${n} starts`, () =>
        this.#startScheduler(n),
      );
      return;
    }
    const machine = this.#machines.find(({ worker }) => worker === process);
    if (machine === undefined) return;
    machine.worker = undefined;
    if (random.chance(0.4)) {
      this.#world.say(`!! its machine goes down`);
      machine.host.switchOff();
    }
    const others = this.#machines.some(({ worker }) => worker?.alive === true);
    if (others && random.chance(0.2)) return;
    const awayMs = random.pick([0, 3_000, 30_000, 150_000]);
    this.#world.at(this.#world.nowMs + awayMs, `${machine.host.name} starts`, () =>
      this.#startWorker(machine),
    );
  }

  #stallHeld(process: SimulatedProcess): void {
    if (!(process instanceof WorkerProcess)) return;
    const { pods } = this.#queues;
    for (const holder of process.held) {
      for (const id of pods.heldBy(new Set([holder]))) pods.stall(id, holder);
    }
  }

  /** Something that a process does every now and then, at a time that suits nobody. */
  #anything(): void {
    const acts: (() => void)[] = [];
    for (const one of this.#live(this.#schedulers)) {
      acts.push(
        () => one.sweep(),
        () => one.fireTimers(),
        () => one.clean(),
        () => one.checkNodes(),
      );
    }
    for (const one of this.#live(this.#machines.map(({ worker }) => worker))) {
      acts.push(() => one.rescan());
    }
    if (acts.length > 0) this.#random.pick(acts)();
  }

  /**
   * Moves the clock to when something is due next. Where nothing is, the periodic work of all
   * processes gets its turn; then resolves with true.
   */
  async #passTime(early: boolean): Promise<boolean> {
    const { redis } = this.#options;
    const world = this.#world;
    const key = (name: string): string => `{${CELL}}:${name}`;
    const [timer, ttl, dirty, taken, nodes] = await Promise.all([
      redis.zrange(key(suffix.timers), "0", "0", "WITHSCORES"),
      redis.zrange(key(suffix.ttl), "0", "0", "WITHSCORES"),
      redis.hlen(key(suffix.dirty)),
      redis.hlen(key(suffix.taken)),
      redis.hkeys(key(suffix.objects("nodes"))),
    ]);
    const schedulers = this.#live(this.#schedulers);
    const workers = this.#live(this.#machines.map(({ worker }) => worker));
    const due = (scored: readonly string[]): number =>
      schedulers.length === 0 || scored[1] === undefined
        ? Infinity
        : Math.max(Number(scored[1]), world.nowMs);
    const away = nodes.some((node) => !workers.some((worker) => worker.node === node));
    const timerAtMs = Math.min(due(timer), due(ttl));
    const next = (needed: boolean, lastMs: number, everyMs: number): number =>
      needed && schedulers.length > 0 ? Math.max(world.nowMs, lastMs + everyMs) : Infinity;
    const sweepAtMs = next(dirty + taken > 0, this.#sweptAtMs, SWEEP_MS);
    const nodesAtMs = next(away, this.#checkedAtMs, IDLE_MS);
    const nextAtMs = Math.min(world.nextAtMs, timerAtMs, sweepAtMs, nodesAtMs);
    if (early && nextAtMs > world.nowMs + 5_000) return false;
    const idle = nextAtMs === Infinity || (nextAtMs === sweepAtMs && !early);
    const atMs = nextAtMs === Infinity ? world.nowMs + IDLE_MS : nextAtMs;
    if (atMs >= sweepAtMs) this.#sweptAtMs = atMs;
    if (atMs >= nodesAtMs) this.#checkedAtMs = atMs;
    for (const worker of workers) {
      await redis.zadd(key(suffix.leases), atMs + LEASE_MS, worker.node);
      if (!nodes.includes(worker.node)) worker.heartbeat();
    }
    world.moveTo(atMs);
    if (atMs >= timerAtMs) this.#random.pick(schedulers).fireTimers();
    for (const one of schedulers) {
      if (atMs >= sweepAtMs || nextAtMs === Infinity) one.sweep();
      if (atMs >= nodesAtMs || nextAtMs === Infinity) one.checkNodes();
      if (nextAtMs === Infinity) one.clean();
    }
    if (nextAtMs === Infinity || atMs >= this.#scannedAtMs + IDLE_MS) {
      this.#scannedAtMs = atMs;
      for (const worker of workers) worker.rescan();
    }
    return idle;
  }

  // --- what must hold at the end ---

  #allEnded(): boolean {
    return this.#scripts.every(({ job }) => {
      const history = this.#auditor.histories.get(job.metadata.uid);
      return history !== undefined && (history.deleted || isFinished(history.job));
    });
  }

  #checkOutcomes(): number {
    let determined = 0;
    for (const { job, outcome, family } of this.#scripts) {
      const history = this.#auditor.histories.get(job.metadata.uid);
      if (history === undefined) throw new Violation(`${job.metadata.name} was never seen`);
      this.#auditor.checkBooks(history);
      // A Job that was deleted has no end of its own.
      if (!isFinished(history.job)) continue;
      const expected = outcome(this.#ledger(history));
      if (expected === undefined) continue;
      determined += 1;
      const actual = outcomeOf(history.job);
      for (const field of Object.keys(expected) as (keyof typeof expected)[]) {
        if (expected[field] === actual[field]) continue;
        const what = JSON.stringify({ expected, actual });
        throw new Violation(`${family} ${job.metadata.name} ended otherwise: ${what}`);
      }
    }
    return determined;
  }

  /** Failures that counted, and that no script asked for. */
  #ledger({ counted }: JobHistory): Ledger {
    const scripted = new Map(
      this.#runs.flatMap(({ uid, end, exitCode }) =>
        end === "natural" && exitCode !== 0 ? [[uid, exitCode] as const] : [],
      ),
    );
    // An end that went down with its machine before it was told is not the one that counted.
    const asScripted = ({ uid, containers }: PodRecord): boolean =>
      scripted.has(uid) && containers[0]?.exitCode === scripted.get(uid);
    const extra = counted.filter(
      ({ as, byVerdict, pod }) => as === "failed" && !byVerdict && !asScripted(pod),
    );
    return {
      extraFailures: extra.length,
      extraFailuresOf: (index) => extra.filter(({ pod }) => pod.index === index).length,
    };
  }

  /** Users delete what is left; then nothing of it may stay. */
  async #tearDown(): Promise<void> {
    this.#calm = true;
    const { redis } = this.#options;
    const world = this.#world;
    for (const key of (await redis.hkeys(`{${CELL}}:${suffix.objects("jobs")}`)).sort()) {
      this.#plan(0, `delete ${key}`, () => this.#user.deleteJob(key, "Background"));
    }
    world.moveTo(world.nowMs);
    await this.#until(async () => this.#plans === 0 && (await this.#count("jobs")) === 0);
    for (const key of (await redis.hkeys(`{${CELL}}:${suffix.objects("pods")}`)).sort()) {
      this.#plan(0, `delete ${key}`, () => this.#user.deletePod(key, 0));
    }
    world.moveTo(world.nowMs);
    await this.#until(async () => this.#plans === 0 && (await this.#leftovers()).length === 0);
  }

  #count(resource: (typeof resources)[number]): Promise<number> {
    return this.#options.redis.hlen(`{${CELL}}:${suffix.objects(resource)}`);
  }

  /** What is left though everything was deleted, besides what is kept on purpose. */
  async #leftovers(): Promise<string[]> {
    const { redis } = this.#options;
    const kept = new Set([
      ...["rv", "meta", "fence", "settled", "o:nodes", "i:nodes"],
      ...[suffix.leases, suffix.schedulers, suffix.bell],
    ]);
    const left: string[] = [];
    for (const full of await redis.keys("*")) {
      const key = full.slice(CELL.length + 3);
      if (kept.has(key) || key.startsWith("w:")) continue;
      // What expires by itself is not left for ever; inboxes go with their node.
      if ((await redis.ttl(full)) > 0) continue;
      if (key.startsWith("inbox:") && (await this.#hasNode(key.slice("inbox:".length)))) continue;
      left.push(key);
    }
    for (const { host, worker } of this.#machines) {
      if (worker !== undefined && host.leftovers > 0) left.push(`containers of ${host.name}`);
    }
    if (this.#queues.pods.entries.size > 0) left.push("pod jobs");
    return left;
  }

  async #hasNode(name: string): Promise<boolean> {
    return (await this.#options.redis.hexists(`{${CELL}}:o:nodes`, name)) === 1;
  }

  /** What holds the world up, in short. */
  async #describe(): Promise<string> {
    const { redis } = this.#options;
    const jobs = [...this.#auditor.histories.values()].filter(
      ({ job, deleted }) => !deleted && !isFinished(job),
    );
    return JSON.stringify({
      jobs: jobs.map(({ job }) => [job.metadata.name, job.status]),
      pods: await redis.hgetall(`{${CELL}}:o:pods`),
      plans: this.#plans,
      left: await this.#leftovers(),
      steps: this.#world.steps.map(({ process, what }) => `${process.name} ${what.slice(0, 80)}`),
    });
  }
}

const outcomeOf = ({ status }: Job) => {
  const end = (status.conditions ?? []).find(
    ({ type, status: is }) => (type === "Complete" || type === "Failed") && is === "True",
  );
  return {
    type: end?.type,
    reason: end?.reason,
    succeeded: status.succeeded ?? 0,
    completedIndexes: status.completedIndexes ?? "",
    failedIndexes: status.failedIndexes ?? "",
  };
};
