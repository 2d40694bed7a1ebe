// One seed: an installation, its users, its faults, and what was found.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../simulation/random.ts";
import type { ApiClient } from "./api-client.ts";
import {
  checkEnded,
  checkEnds,
  checkOutcomes,
  checkRuns,
  checkWrites,
  type Findings,
  unfinished,
} from "./checks.ts";
import { FaultActions } from "./fault-actions.ts";
import { type FaultProfile, planFaults } from "./faults.ts";
import { History } from "./history.ts";
import { Installation, type PartName, partNames } from "./installation.ts";
import { readJournals } from "./journals.ts";
import { machineLeftovers, podDirectories, redisLeftovers } from "./leftovers.ts";
import { CRONJOBS, JOBS, Load, planLoad, PODS } from "./load.ts";
import { Recorder } from "./recorder.ts";
import { pause, uptime } from "./uptime.ts";

export interface ChaosProfile extends FaultProfile {
  readonly jobs: number;
  readonly cronJobs: number;
  /** From the last fault to the last Job's end. */
  readonly settleSeconds: number;
}

export interface ChaosResult {
  readonly violations: readonly string[];
  readonly faultLog: readonly string[];
  /** Where the journals and the processes' logs are, if something was violated. */
  readonly directory: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly exceptions: Readonly<Record<string, number>>;
  readonly troubles: Readonly<Record<string, number>>;
  /** Why processes ended though nobody asked them to. */
  readonly exitReasons: Readonly<Record<string, number>>;
}

const LOOK_EVERY_MS = 250;
const TIDY_SECONDS = 90;
/** When nothing moved for this long, all clocks go ahead. Leases are renewed more often than that. */
const QUIET_SECONDS = 7;
/** Kubernetes' longest back-off. */
const BACK_OFF_MAX_MS = 600_000;

class ChaosRun {
  readonly #profile: ChaosProfile;
  readonly #installation: Installation;
  readonly #api: ApiClient;
  readonly #faults: FaultActions;
  readonly #load: Load;
  readonly #plan: ReturnType<typeof planLoad>;
  readonly #jobs: Recorder;
  readonly #pods: Recorder;
  readonly #cronJobs: Recorder;
  readonly #findings: Findings = { violations: [], exceptions: new Map(), determined: 0 };
  readonly #began = uptime();

  constructor(seed: number, profile: ChaosProfile, installation: Installation, api: ApiClient) {
    this.#profile = profile;
    this.#installation = installation;
    this.#api = api;
    const { directory } = installation;
    const { jobs, cronJobs, spanMs, settleSeconds } = profile;
    this.#plan = planLoad(new Random(seed), { directory, jobs, cronJobs, durationMs: spanMs });
    this.#faults = new FaultActions(installation, planFaults(new Random(seed + 1), profile), seed);
    const deadline = uptime() + spanMs / 1000 + settleSeconds;
    this.#load = new Load(api, this.#plan, new Random(seed + 2), deadline);
    this.#jobs = new Recorder(api, "jobs", JOBS, new Random(seed + 3));
    this.#pods = new Recorder(api, "pods", PODS, new Random(seed + 4));
    this.#cronJobs = new Recorder(api, "cronjobs", CRONJOBS, new Random(seed + 5));
    this.#faults.newestSeen = () =>
      Math.max(0, ...this.#recorders.map(({ changes }) => changes.at(-1)?.revision ?? 0));
  }

  get #recorders(): Recorder[] {
    return [this.#jobs, this.#pods, this.#cronJobs];
  }

  async run(): Promise<ChaosResult> {
    for (const recorder of this.#recorders) await recorder.start();
    await Promise.all([this.#load.run(), this.#faults.run()]).catch((error: unknown) => {
      this.#violated(`G1 the API took no more: ${String(error)}`);
    });
    await this.#installation.heal();
    await this.#settle();
    await this.#compareLists();
    await this.#check();
    await this.#tidy();
    for (const recorder of this.#recorders) await recorder.stop();
    for (const { violations } of this.#recorders) this.#findings.violations.push(...violations);
    await this.#stop();
    return this.#result();
  }

  #violated(what: string): void {
    this.#findings.violations.push(what);
  }

  /** Until nothing is wrong any more, or the time is over: then what is still wrong is a violation. */
  async #until(seconds: number, look: () => Promise<readonly string[]>): Promise<void> {
    const deadline = uptime() + seconds;
    for (;;) {
      const wrong = await look().catch((error: unknown) => [String(error)]);
      if (wrong.length === 0) return;
      if (uptime() > deadline) {
        for (const what of wrong) this.#violated(`after ${seconds} s: ${what}`);
        return;
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  async #settle(): Promise<void> {
    let [before, since] = ["", uptime()];
    await this.#until(this.#profile.settleSeconds, async () => {
      const jobs = [...this.#jobs.known.values()].map((object) => ({ object }));
      const waiting = unfinished(jobs);
      // Nothing moves: what is left waits for its back-off, which may take ten minutes.
      const now = `${waiting.join()} ${this.#pods.changes.length}`;
      if (now !== before) [before, since] = [now, uptime()];
      else if (uptime() - since > QUIET_SECONDS) {
        since = uptime();
        this.#passedTime += 1;
        await this.#installation.passTime(BACK_OFF_MAX_MS);
      }
      return waiting.map((name) => {
        const { status = {}, metadata } = this.#jobs.known.get(`default/${name}`) ?? {};
        const deleting = metadata?.deletionTimestamp;
        return `G1 ${name} has not ended: ${JSON.stringify({ status, deleting })}`;
      });
    });
  }

  /** G6: what the watches told is what there is. */
  async #compareLists(): Promise<void> {
    await this.#until(30, async () => {
      const differences = await Promise.all(this.#recorders.map((one) => one.differences()));
      return differences.flat().map((one) => `G6 ${one}`);
    });
  }

  async #check(): Promise<void> {
    const history = new History(this.#jobs, this.#pods);
    const runs = await readJournals(this.#installation.directory);
    const evidence = {
      ...{ history, runs, plans: this.#plan.jobs },
      ...{ faults: this.#faults, load: this.#load, isLossy: this.#profile.losses > 0 },
    };
    this.#history = history;
    this.#runs = runs.length;
    checkEnded(evidence, this.#findings);
    // What Redis lost of what it had acknowledged, nobody can hold it to.
    if (this.#profile.losses > 0) return;
    this.#findings.violations.push(...history.violations, ...this.#load.violations);
    checkOutcomes(evidence, this.#findings);
    checkEnds(evidence, this.#findings);
    checkRuns(evidence, this.#findings);
    checkWrites(evidence, this.#findings);
  }

  #history: History | undefined;
  #passedTime = 0;
  #runs = 0;

  /** Everything is deleted: then nothing of it may stay. */
  async #tidy(): Promise<void> {
    await this.#load.deleteAll(uptime() + TIDY_SECONDS).catch((error: unknown) => {
      this.#violated(`G5 not everything could be deleted: ${String(error)}`);
    });
    await this.#until(TIDY_SECONDS, async () => {
      const known = this.#recorders.flatMap((one) => [...one.known.keys()]);
      return [
        ...known.map((key) => `left: ${key}`),
        ...(await redisLeftovers(this.#installation.redis)).map((one) => `left in Redis: ${one}`),
        ...(await podDirectories(this.#installation)).map((one) => `left: directory ${one}`),
      ];
    });
  }

  async #stop(): Promise<void> {
    for (const name of await this.#installation.stop()) {
      this.#violated(`${name} did not end after SIGTERM`);
    }
    await this.#until(30, () => machineLeftovers(this.#installation.directory));
    for (const name of partNames) this.#readLog(name, await this.#installation.log(name));
  }

  /** Why processes ended by themselves, and faults of the program that nothing excuses. */
  #readLog(name: PartName, log: string): void {
    for (const [, why = ""] of log.matchAll(/^gantry: (?!.* ready|  kubectl)(.*)$/gm)) {
      const reason = why.replaceAll(/127\.0\.0\.1:\d+|10\.\d+\.\d+\.\d+:\d+|\/tmp\S+/g, "...");
      this.#exitReasons[reason] = (this.#exitReasons[reason] ?? 0) + 1;
    }
    const fatal = /.*(Uncaught|UnhandledPromise|TypeError|RangeError|InvariantError).*/.exec(log);
    if (fatal !== null) this.#violated(`${name} logged: ${fatal[0].slice(0, 1_500)}`);
  }

  readonly #exitReasons: Record<string, number> = {};

  #result(): ChaosResult {
    const { violations, exceptions, determined } = this.#findings;
    const { changes } = this.#pods;
    const faults: Record<string, number> = {};
    for (const { fault } of this.#faults.done) {
      const name = fault.kind === "queue" ? `queue ${fault.mischief}` : fault.kind;
      faults[name] = (faults[name] ?? 0) + 1;
    }
    return {
      violations,
      faultLog: this.#faults.log(this.#began),
      directory: this.#installation.directory,
      faults,
      exceptions: Object.fromEntries(exceptions),
      troubles: Object.fromEntries(this.#api.troubles),
      exitReasons: this.#exitReasons,
      counts: {
        seconds: Math.round(uptime() - this.#began),
        jobs: this.#history?.jobs.size ?? 0,
        determined,
        pods: this.#history?.pods.size ?? 0,
        realRuns: this.#runs,
        podChanges: changes.length,
        watches: this.#recorders.reduce((sum, one) => sum + one.watches, 0),
        gaps: this.#recorders.reduce((sum, one) => sum + one.gaps.length, 0),
        acknowledged: this.#load.writes.length,
        faults: this.#faults.done.length,
        lossySeeds: this.#profile.losses > 0 ? 1 : 0,
        passedTime: this.#passedTime,
        lostRevisions: this.#faults.lostRevisions,
        unaskedExits: partNames.reduce(
          (sum, name) => sum + this.#installation.part(name).exits.length,
          0,
        ),
      },
    };
  }
}

export const runChaos = async (seed: number, profile: ChaosProfile): Promise<ChaosResult> => {
  const directory = await mkdtemp(join(tmpdir(), `gantry-chaos-${seed}-`));
  const installation = await Installation.open(directory);
  try {
    const api = await installation.start();
    const result = await new ChaosRun(seed, profile, installation, api).run();
    api.close();
    return result;
  } finally {
    await installation.close();
  }
};
