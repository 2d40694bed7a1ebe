// `npm run bench`: Gantry's throughput and latency beside bare BullMQ's, as a table and as JSON.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { measure, type RowResult } from "./measure.ts";
import { table } from "./report.ts";
import { rows } from "./rows.ts";

const USAGE = `npm run bench -- [options]

  --quick         the main rows only, within a minute
  --only TEXT     rows whose name contains TEXT
  --split         api, scheduler and two workers as processes of their own
  --schedulers N  as --split, with so many schedulers
  --workers N     as --split, with so many workers
  --json FILE     writes the figures
  --profile DIR   writes CPU profiles of Gantry's processes
  --list          shows the rows`;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    split: { type: "boolean", default: false },
    schedulers: { type: "string" },
    workers: { type: "string" },
    json: { type: "string" },
    profile: { type: "string" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

const { schedulers, workers } = values;
const apart =
  values.split || schedulers !== undefined || workers !== undefined
    ? { schedulers: Number(schedulers ?? 1), workers: Number(workers ?? 2) }
    : undefined;

const machine = {
  cpu: cpus()[0]?.model.trim() ?? "",
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  redis: /v=(\S+)/.exec(execFileSync("redis-server", ["--version"]).toString())?.[1] ?? "",
};

const say = (text: string): void => void process.stderr.write(`${text}\n`);

const main = async (): Promise<void> => {
  if (values.help) return void process.stdout.write(`${USAGE}\n`);
  const chosen = rows.filter(
    ({ name, full }) =>
      (values.only === undefined || name.toLowerCase().includes(values.only.toLowerCase())) &&
      !(values.quick && full === true),
  );
  if (chosen.length === 0) throw new Error("no row has such a name; --list shows them");
  if (values.list)
    return void process.stdout.write(`${chosen.map(({ name }) => name).join("\n")}\n`);
  const results: RowResult[] = [];
  for (const row of chosen) {
    say(`${row.name} ...`);
    results.push(
      await measure(row, {
        quick: values.quick,
        apart,
        profileDir: values.profile,
      }),
    );
  }
  process.stdout.write(`${table(results)}\n`);
  if (values.json === undefined) return;
  const mode = apart ?? "one process";
  writeFileSync(values.json, `${JSON.stringify({ machine, mode, rows: results }, null, 2)}\n`);
};

await main();
