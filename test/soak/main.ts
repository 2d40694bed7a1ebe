// `npm run soak [MINUTES]`: twice the sustainable rate of submissions, for 10 minutes unless told otherwise.
// Asserts that clients are asked to wait, memory stays bounded, probes are answered, and what was taken completes.
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, Client, JOBS, jobText } from "./client.ts";
import { startInstallation } from "./installation.ts";
import { Observer, type Sample } from "./observer.ts";

const MAX_PENDING_JOBS = 1_000;
const CALIBRATION_MS = 40_000;
/** Measured over the last part: the first is warming up. */
const CALIBRATED_MS = 20_000;
const CONNECTIONS = 64;
const TICK_MS = 10;
/** Requests of ours that may be open at once; beyond it the client is what is overloaded. */
const OPEN_MAX = 2_000;
const DRAIN_MS = 180_000;
/** What a process may use at most, Redis with the changes that it keeps for watches included. */
const PROCESS_MIB = 512;
const REDIS_MIB = 1_024;
/** Growth that is allowed between the fourth fifth of the run and its last. */
const GROWTH_FACTOR = 1.1;
const GROWTH_MIB = 24;
const RATE_EVERY_MS = 5_000;
/** The readiness probe itself gives up after 2 s. */
const PROBE_P99_MS = 2_000;
const PROBE_MAX_MS = 5_000;

const minutes = Number(process.argv[2] ?? "10");
const problems: string[] = [];
const expectThat = (holds: boolean, otherwise: string): void => {
  if (!holds) problems.push(otherwise);
};

const tally = { accepted: 0, refused: 0, withoutRetryAfter: 0, other: new Map<number, number>() };
const count = ({ status, retryAfter }: Answer): void => {
  if (status === 201) tally.accepted += 1;
  else if (status === 429) {
    tally.refused += 1;
    if (!/^\d+$/.test(retryAfter ?? "")) tally.withoutRetryAfter += 1;
  } else tally.other.set(status, (tally.other.get(status) ?? 0) + 1);
};

let submitted = 0;
let open = 0;
let skipped = 0;
const submit = async (client: Client): Promise<Answer> => {
  open += 1;
  submitted += 1;
  const answer = await client.send("POST", JOBS, jobText(`soak-${submitted}`));
  open -= 1;
  count(answer);
  return answer;
};

/** Jobs finished a second while there are always more to do. */
const sustainableRate = async (client: Client, observer: Observer): Promise<number> => {
  const untilMs = performance.now() + CALIBRATION_MS;
  const submitters = Array.from({ length: 32 }, async () => {
    while (performance.now() < untilMs) {
      const { status } = await submit(client);
      // As a client that honours Retry-After, but for its length: there must always be work.
      if (status === 429) await sleep(100);
    }
  });
  await sleep(CALIBRATION_MS - CALIBRATED_MS);
  const before = await observer.finished();
  await sleep(CALIBRATED_MS);
  const after = await observer.finished();
  await Promise.all(submitters);
  return (after.succeeded - before.succeeded) / (CALIBRATED_MS / 1_000);
};

/**
 * Open loop: a submission is due when it is due, whatever became of those before. Twice of what is
 * being finished meanwhile, where that is more than it was at first: other load on the machine ends.
 */
const overload = async (client: Client, observer: Observer, sustainable: number): Promise<void> => {
  const endMs = performance.now() + minutes * 60_000;
  let [rate, atMs, finished] = [2 * sustainable, performance.now(), 0];
  let [due, tickMs] = [0, performance.now()];
  while (performance.now() < endMs) {
    const nowMs = performance.now();
    due += ((nowMs - tickMs) / 1_000) * rate;
    tickMs = nowMs;
    for (; due >= 1; due--) {
      if (open < OPEN_MAX) void submit(client);
      else skipped += 1;
    }
    if (nowMs - atMs >= RATE_EVERY_MS) {
      const { succeeded } = await observer.finished();
      if (finished > 0) {
        rate = 2 * Math.max(sustainable, ((succeeded - finished) * 1_000) / (nowMs - atMs));
      }
      [atMs, finished] = [nowMs, succeeded];
    }
    await sleep(TICK_MS);
  }
  while (open > 0) await sleep(TICK_MS);
};

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

const checkMemory = (samples: readonly Sample[]): Record<string, string> => {
  const fifth = Math.max(1, Math.floor(samples.length / 5));
  const early = samples.slice(-2 * fifth, -fifth);
  const late = samples.slice(-fifth);
  const shown: Record<string, string> = {};
  for (const name of Object.keys(samples[0]?.memory ?? {})) {
    const of = (some: readonly Sample[]): number[] => some.map(({ memory }) => memory[name] ?? 0);
    const [before, after] = [median(of(early)), median(of(late))];
    const most = Math.max(...of(samples));
    shown[name] = `${of(samples)[0] ?? 0} MiB at first, ${before}, ${after} at last, ${most} most`;
    const cap = name === "redis" || name === "data" ? REDIS_MIB : PROCESS_MIB;
    expectThat(most <= cap, `${name} used ${most} MiB`);
    // A heap has its own limit (installation.ts), and grows as far as it is let.
    const heap = name !== "redis" && name !== "data";
    expectThat(
      heap || after <= GROWTH_FACTOR * before + GROWTH_MIB,
      `the memory of ${name} grew from ${before} to ${after} MiB`,
    );
  }
  return shown;
};

const checkProbes = (observer: Observer): Record<string, string> => {
  const shown: Record<string, string> = {};
  for (const what of new Set(observer.probes.map((probe) => probe.what))) {
    const probes = observer.probes.filter((probe) => probe.what === what);
    const times = probes.map(({ ms }) => ms).toSorted((a, b) => a - b);
    const p99 = times[Math.floor(times.length * 0.99)] ?? 0;
    const most = times.at(-1) ?? 0;
    shown[what] =
      `${times.length} answers, p50 ${median(times).toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, most ${most.toFixed(0)} ms`;
    const right = what.startsWith("DELETE") ? 404 : 200;
    const wrong = probes.filter(({ status }) => status !== right);
    expectThat(
      wrong.length === 0,
      `${what} was answered ${wrong[0]?.status ?? ""} ${wrong.length} times`,
    );
    expectThat(p99 <= PROBE_P99_MS && most <= PROBE_MAX_MS, `${what} took up to ${most} ms`);
  }
  return shown;
};

const drained = async (observer: Observer): Promise<number> => {
  const beganAtMs = performance.now();
  while ((await observer.unfinished()) > 0) {
    if (performance.now() - beganAtMs > DRAIN_MS) break;
    await sleep(200);
  }
  return (performance.now() - beganAtMs) / 1_000;
};

const installation = await startInstallation({ maxPendingJobs: MAX_PENDING_JOBS });
const client = new Client({ ...installation, connections: CONNECTIONS });
const observer = new Observer(installation);
try {
  const rate = await sustainableRate(client, observer);
  console.log(`sustainable: ${rate.toFixed(0)} Jobs a second; submitting ${(2 * rate).toFixed(0)}`);
  const calibration = { accepted: tally.accepted, refused: tally.refused };
  observer.start();
  const beganAtMs = performance.now();
  await overload(client, observer, rate);
  const seconds = (performance.now() - beganAtMs) / 1_000;
  const drainSeconds = await drained(observer);
  const { succeeded, failed } = await observer.finished();
  const most = Math.max(...observer.samples.map(({ unfinished }) => unfinished));
  const doctor = await installation.doctor();
  expectThat(tally.refused > 0, "nothing was refused");
  expectThat(tally.withoutRetryAfter === 0, "a refusal had no Retry-After");
  expectThat(tally.other.size === 0, `other answers: ${JSON.stringify([...tally.other])}`);
  expectThat(
    succeeded === tally.accepted && failed === 0,
    `${tally.accepted} Jobs were taken, ${succeeded} completed and ${failed} failed`,
  );
  expectThat((await observer.unfinished()) === 0, "Jobs are left that did not finish");
  expectThat(doctor.code !== 2, `doctor:\n${doctor.text}`);
  const report = {
    minutes,
    sustainablePerSecond: Math.round(rate),
    submittedPerSecond: Math.round(
      (submitted - calibration.accepted - calibration.refused) / seconds,
    ),
    acceptedPerSecond: Math.round((tally.accepted - calibration.accepted) / seconds),
    accepted: tally.accepted,
    refused: tally.refused,
    notSentSinceTheClientWasBusy: skipped,
    completed: succeeded,
    mostUnfinished: most,
    drainSeconds: Number(drainSeconds.toFixed(1)),
    memory: checkMemory(observer.samples),
    probes: checkProbes(observer),
    doctorExitCode: doctor.code,
    problems,
  };
  console.log(JSON.stringify(report, null, 2));
} finally {
  observer.stop();
  client.close();
  await installation.stop();
}
process.exitCode = problems.length === 0 ? 0 : 1;
