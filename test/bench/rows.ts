// The rows of the benchmark: what is run, how often, and with which yardstick.
import type { JobShape } from "./manifest.ts";

interface RowBase {
  readonly name: string;
  /** Left out of `--quick`. */
  readonly full?: boolean;
  readonly runtime?: "simulated" | "process";
}

/** Jobs submitted as fast as the API takes them; timed from the first submission to the last Complete. */
export interface BatchRow extends RowBase {
  readonly kind: "batch";
  readonly jobs: number;
  readonly shape: JobShape;
  /** Runs whose median is shown; 1 for those that take long. */
  readonly runs: number;
  /** Jobs at once of bare BullMQ's worker. */
  readonly bareConcurrency: number;
  /** Shows the memory that Redis holds for a finished Pod. */
  readonly memory?: boolean;
}

/** Jobs of one Pod, submitted at a steady rate whatever the answers (open loop). */
export interface LatencyRow extends RowBase {
  readonly kind: "latency";
  readonly jobsPerSecond: number;
  readonly seconds: number;
}

/** An installation that has nothing to do. */
export interface IdleRow extends RowBase {
  readonly kind: "idle";
  readonly seconds: number;
}

/** Requests to the API about Jobs that are suspended. */
export interface ApiRow extends RowBase {
  readonly kind: "api";
  readonly request: "create" | "get" | "list" | "watch";
  /** That are there before. */
  readonly jobs: number;
}

/** Suspended Jobs that are stored: what they cost, and what they cost others. */
export interface StoredRow extends RowBase {
  readonly kind: "stored";
  readonly jobs: number;
}

/** Jobs of one Pod, one after the other, while a large one runs. */
export interface FairnessRow extends RowBase {
  readonly kind: "fairness";
  readonly jobs: number;
  readonly hot: JobShape;
}

export type Row = BatchRow | LatencyRow | IdleRow | ApiRow | StoredRow | FairnessRow;

const oneJob = (name: string, shape: JobShape, more: Partial<BatchRow> = {}): BatchRow => ({
  kind: "batch",
  name,
  jobs: 1,
  shape,
  runs: 3,
  bareConcurrency: shape.parallelism,
  ...more,
});

const manyJobs = (
  name: string,
  jobs: number,
  shape: JobShape,
  more: Partial<BatchRow> = {},
): BatchRow => ({
  kind: "batch",
  name,
  jobs,
  shape,
  runs: 3,
  bareConcurrency: 100,
  ...more,
});

const onePod: JobShape = { completions: 1, parallelism: 1 };

export const rows: readonly Row[] = [
  oneJob("1 Job x 1,000, parallelism 100", { completions: 1_000, parallelism: 100 }),
  oneJob("1 Indexed Job x 1,000, parallelism 100", {
    completions: 1_000,
    parallelism: 100,
    indexed: true,
  }),
  oneJob("1 Job x 10,000, parallelism 100", { completions: 10_000, parallelism: 100 }),
  oneJob(
    "1 Indexed Job x 10,000, parallelism 100",
    { completions: 10_000, parallelism: 100, indexed: true },
    { memory: true },
  ),
  manyJobs("200 Jobs x 1", 200, onePod),
  manyJobs("2,000 Jobs x 1", 2_000, onePod),
  { kind: "latency", name: "100 Jobs a second", jobsPerSecond: 100, seconds: 5 },
  manyJobs(
    "process runtime: 1 Job x 200 of /bin/true",
    1,
    { completions: 200, parallelism: 8 },
    { runtime: "process", bareConcurrency: 8, runs: 1 },
  ),
  { kind: "idle", name: "idle", seconds: 4 },
  { kind: "api", name: "API: create a Job", request: "create", jobs: 1_000 },
  { kind: "api", name: "API: get a Job", request: "get", jobs: 500, full: true },
  { kind: "api", name: "API: 500 Jobs as a Table", request: "list", jobs: 500, full: true },
  {
    kind: "api",
    name: "API: 500 of 2,000 Jobs as a Table",
    request: "list",
    jobs: 2_000,
    full: true,
  },
  { kind: "api", name: "API: 200 watchers", request: "watch", jobs: 300, full: true },
  ...[1_000, 10_000, 100_000].map((completions) =>
    oneJob(
      `1 Indexed Job x ${completions.toLocaleString("en")}, parallelism 1,000`,
      { completions, parallelism: 1_000, indexed: true },
      { full: true, memory: true, runs: completions > 10_000 ? 1 : 3 },
    ),
  ),
  manyJobs(
    "318 Jobs x 315, parallelism 10",
    318,
    { completions: 315, parallelism: 10 },
    { full: true, runs: 1 },
  ),
  {
    kind: "fairness",
    name: "1 Pod beside 1 Indexed Job x 100,000, parallelism 900",
    jobs: 30,
    hot: { completions: 100_000, parallelism: 900, indexed: true },
    full: true,
  },
  { kind: "stored", name: "100,000 suspended Jobs stored", jobs: 100_000, full: true },
  { kind: "latency", name: "500 Jobs a second", jobsPerSecond: 500, seconds: 10, full: true },
  { kind: "latency", name: "1,000 Jobs a second", jobsPerSecond: 1_000, seconds: 10, full: true },
];
