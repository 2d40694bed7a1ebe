// `npm run fake-ecs`: the fake by hand.
import { parseArgs } from "node:util";
import { startFakeEcs } from "./fake-ecs.ts";
import { writeGantryFiles } from "./gantry-config.ts";
import { profiles } from "./faults.ts";
import { documentedRates, scaledRates } from "./rates.ts";
import { calmTimings } from "./settings.ts";

const USAGE = `npm run fake-ecs -- [options]

  --port N          the port for ECS, SQS and CloudWatch Logs; 4566 unless told
  --seed N          of the faults; 1 unless told
  --faults KIND     off, mild or wild; off unless told
  --cluster NAME    a cluster beside "default"; may be repeated
  --log-group NAME  a log group beside "gantry"; may be repeated
  --queue NAME      the queue of task events; gantry-events unless told
  --vcpu N          the account's Fargate quotas, each; 6, as of a new account, unless told
  --rates X         off, or a factor of the documented rates; 1 unless told
  --journal FILE    a line of JSON for each task's beginning and end
  --gantry DIR      write env and ecs.json there: what a Gantry needs to run its Pods here`;

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "4566" },
    seed: { type: "string", default: "1" },
    faults: { type: "string", default: "off" },
    cluster: { type: "string", multiple: true, default: [] },
    "log-group": { type: "string", multiple: true, default: [] },
    queue: { type: "string", default: "gantry-events" },
    vcpu: { type: "string", default: "6" },
    rates: { type: "string", default: "1" },
    journal: { type: "string" },
    gantry: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const number = (name: string, text: string): number => {
  const value = Number(text);
  if (text === "" || !Number.isFinite(value) || value < 0)
    throw new Error(`--${name}: "${text}" is no number`);
  return value;
};

const ratesOf = (text: string) => {
  if (text === "off") return null;
  const factor = number("rates", text);
  return factor === 1 ? documentedRates : scaledRates(factor);
};

const main = async (): Promise<void> => {
  if (values.help) return say(USAGE);
  if (!Object.hasOwn(profiles, values.faults)) throw new Error("--faults: off, mild or wild");
  const vcpu = number("vcpu", values.vcpu);
  const fake = await startFakeEcs({
    port: number("port", values.port),
    seed: number("seed", values.seed),
    faults: values.faults as keyof typeof profiles,
    clusters: ["default", ...values.cluster],
    logGroups: ["gantry", ...values["log-group"]],
    queueName: values.queue,
    quotas: { fargateVcpu: vcpu, fargateSpotVcpu: vcpu },
    rates: ratesOf(values.rates),
    timings: calmTimings,
    journalFile: values.journal,
  });
  say(
    `The fake listens at ${fake.endpoint}, seed ${values.seed}, faults ${values.faults}. Elsewhere:\n`,
  );
  for (const [name, value] of Object.entries(fake.environment)) say(`export ${name}=${value}`);
  say(`\nThe queue of task events: ${fake.queueUrl}`);
  say(`What happens: curl ${fake.endpoint}/_fake/runs; other paths: curl ${fake.endpoint}/_fake/`);
  if (values.gantry !== undefined) {
    say(`For Gantry: . ${writeGantryFiles(values.gantry, fake).env}`);
  }
  const stop = (): void => {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    fake.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
};

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
