// Rows about the API alone: suspended Jobs are created, read, listed and watched; no Pod runs.
import type { RowResult } from "./measure.ts";
import { manifest } from "./manifest.ts";
import type { ApiRow } from "./rows.ts";
import type { Submitter } from "./submitter.ts";

const CREATES = 3_000;
const GETS = 5_000;
const LISTS = 30;
const PAGE = 500;
const WATCHERS = 200;
const CHANGES = 200;
/** Requests under way at once. */
const PARALLEL = 32;

const JOBS = "/apis/batch/v1/namespaces/default/jobs";
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

let serial = 0;

const suspended = (name: string): { metadata: { name: string } } => {
  const job = manifest(name, { completions: 1, parallelism: 1 });
  const { spec, ...rest } = job as typeof job & { spec: object };
  return { ...rest, spec: { ...spec, suspend: true } } as never;
};

const at = (sorted: readonly number[], q: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0) * 100) / 100;

/** Makes requests, several at once, and tells how long each took. */
const timed = async (
  name: string,
  count: number,
  parallel: number,
  send: (n: number) => Promise<unknown>,
): Promise<RowResult> => {
  const latencies: number[] = [];
  const numbers = Array.from({ length: count }, (_, n) => n).values();
  const startedAt = performance.now();
  const sender = async (): Promise<void> => {
    for (const n of numbers) {
      const sentAt = performance.now();
      await send(n);
      latencies.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: parallel }, sender));
  const tookMs = performance.now() - startedAt;
  const sorted = latencies.toSorted((a, b) => a - b);
  return {
    name,
    requestsPerSecond: Math.round(count / (tookMs / 1_000)),
    requestP50Ms: at(sorted, 0.5),
    requestP99Ms: at(sorted, 0.99),
  };
};

const fill = (submitter: Submitter, count: number): Promise<RowResult> =>
  timed("", count, PARALLEL, () => submitter.create(suspended(`api-${(serial += 1)}`)));

const NEWLINE = 0x0a;

/** Each change goes to each watcher: events that arrive, a second. */
const fanOut = async (name: string, submitter: Submitter): Promise<RowResult> => {
  let seen = 0;
  let allSeen = (): void => {};
  const over = new Promise<void>((resolve) => (allSeen = resolve));
  const { metadata } = JSON.parse(await submitter.get(`${JOBS}?limit=1`)) as {
    metadata: { resourceVersion: string };
  };
  const path = `${JOBS}?watch=1&resourceVersion=${metadata.resourceVersion}`;
  const stops: (() => void)[] = [];
  for (let n = 0; n < WATCHERS; n++) {
    const stop = await submitter.stream(path, (data) => {
      for (const byte of data) if (byte === NEWLINE) seen += 1;
      if (seen >= WATCHERS * CHANGES) allSeen();
    });
    stops.push(stop);
  }
  const startedAt = performance.now();
  await fill(submitter, CHANGES);
  await over;
  const tookMs = performance.now() - startedAt;
  for (const stop of stops) stop();
  return { name, eventsPerSecond: Math.round((WATCHERS * CHANGES) / (tookMs / 1_000)) };
};

export const measureApi = async (submitter: Submitter, row: ApiRow): Promise<RowResult> => {
  await fill(submitter, row.jobs);
  const { name } = row;
  switch (row.request) {
    case "create":
      return timed(name, CREATES, PARALLEL, () =>
        submitter.create(suspended(`api-${(serial += 1)}`)),
      );
    case "get":
      return timed(name, GETS, PARALLEL, () => submitter.get(`${JOBS}/api-${serial}`));
    case "list":
      return timed(name, LISTS, 1, () => submitter.get(`${JOBS}?limit=${PAGE}`, TABLE));
    case "watch":
      return fanOut(name, submitter);
  }
};
