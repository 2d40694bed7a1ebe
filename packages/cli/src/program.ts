// The command line: every command and option; a command's code is loaded only when it is used.
import { Command, InvalidArgumentError, Option } from "commander";
import { version } from "./version.ts";

const DEFAULT_LISTEN = "127.0.0.1:7443";

export function program(): Command {
  const gantry = new Command("gantry")
    .description("Kubernetes Jobs without Kubernetes")
    .version(version(), "-V, --version")
    .showHelpAfterError("(gantry COMMAND --help shows the options)")
    .configureHelp({ sortSubcommands: false });
  addRun(gantry);
  addUp(gantry);
  addObjects(gantry);
  addLogs(gantry);
  addRoles(gantry);
  gantry
    .command("kubeconfig")
    .description("print the kubeconfig for kubectl and other clients")
    .addOption(dataDirOption())
    .option("--path", "print where it is instead")
    .action(async (options) => (await import("./commands/kubeconfig.ts")).kubeconfig(options));
  gantry
    .command("doctor")
    .description("look at an installation; exits with 0 (well), 1 (look at it) or 2 (wrong)")
    .addOption(redisOption())
    .addOption(dataDirOption())
    .option("--json", "for programs")
    .action(async (options) => (await import("./commands/doctor.ts")).doctor(options));
  gantry
    .command("version")
    .description("print the version")
    .action(() => console.log(`gantry ${version()} (node ${process.versions.node})`));
  return gantry;
}

function addRun(gantry: Command): void {
  const run = gantry
    .command("run")
    .description(
      "run a Job, print its output and exit with its outcome; starts Gantry if none runs",
    )
    .argument("<file>", "manifest of one Job; - is standard input")
    .option("--prefix", "begin each line with its Pod's name", false)
    .option("--keep", "on Ctrl-C leave the Job instead of deleting it", false)
    .addOption(redisOption())
    .addOption(runtimeOption())
    .addOption(concurrencyOption())
    .addOption(ecsConfigOption());
  client(run).action(async (file, options) =>
    (await import("./commands/run.ts")).run(file, options),
  );
}

function addUp(gantry: Command): void {
  const up = gantry
    .command("up")
    .description("run all of Gantry in one process, with a Redis of its own")
    .addOption(dataDirOption())
    .addOption(redisOption())
    .addOption(runtimeOption())
    .addOption(concurrencyOption());
  offering(up);
  serving(up, DEFAULT_LISTEN)
    .option(
      "--ops-listen <host:port>",
      "pages for people, plain HTTP; off for none (default 127.0.0.1:7480)",
    )
    .action(async (options) => (await import("./commands/up.ts")).up(options));
}

function addObjects(gantry: Command): void {
  client(gantry.command("apply").description("create or change the objects of files"))
    .requiredOption("-f, --filename <file...>", "manifests: files, directories or -")
    .action(async (options) => (await import("./commands/apply.ts")).apply(options));
  client(gantry.command("get").description("show objects"))
    .argument("<kind>", "jobs, pods, events...; or KIND/NAME")
    .argument("[names...]")
    .option("-A, --all-namespaces", "in every namespace")
    .option("-l, --selector <labels>", "by labels")
    .option("--field-selector <fields>", "by fields")
    .option("-o, --output <format>", "json, yaml, name or wide")
    .option("-w, --watch", "go on with every change")
    .option("--no-headers", "leave out the head of the table")
    .action(async (kind, names, options) =>
      (await import("./commands/get.ts")).get([kind, ...names], options),
    );
  client(gantry.command("describe").description("show all about objects, with their Events"))
    .argument("<kind>", "jobs, pods...; or KIND/NAME")
    .argument("[names...]")
    .option("-l, --selector <labels>", "by labels")
    .action(async (kind, names, options) =>
      (await import("./commands/describe.ts")).describe([kind, ...names], options),
    );
  client(gantry.command("wait").description("wait for a condition"))
    .argument("<target...>", "KIND/NAME or KIND NAME")
    .requiredOption("--for <condition>", "condition=Complete or delete")
    .option("--timeout <duration>", "as in 90s or 5m", "30s")
    .option("-l, --selector <labels>", "by labels")
    .option("--all", "all of the kind")
    .action(async (words, options) => (await import("./commands/wait.ts")).wait(words, options));
  client(gantry.command("delete").description("delete objects and wait until they are gone"))
    .argument("[target...]", "KIND/NAME or KIND NAME")
    .option("-f, --filename <file...>", "the objects of files")
    .option("-l, --selector <labels>", "by labels")
    .option("--all", "all of the kind")
    .option(
      "--cascade <policy>",
      "what depends on them: background, foreground or orphan",
      "background",
    )
    .option("--grace-period <seconds>", "time for Pods to end by themselves", wholeNumber)
    .option("--timeout <duration>", "how long to wait")
    .option("--no-wait", "return at once")
    .option("--ignore-not-found", "no error for what is not there")
    .action(async (words, options) =>
      (await import("./commands/delete.ts")).remove(words, options),
    );
}

function addLogs(gantry: Command): void {
  client(gantry.command("logs").description("print the output of a Pod or of a Job's Pods"))
    .argument("<target>", "NAME, pod/NAME or job/NAME")
    .option("-f, --follow", "go on until it ends")
    .option("--tail <lines>", "only the last lines", wholeNumber)
    .option("--since <duration>", "only what is newer, as in 90s or 5m")
    .option("--timestamps", "begin each line with its time")
    .option("-c, --container <name>", "of this container")
    .option("-p, --previous", "of the container's run before this one")
    .option("--prefix", "begin each line with its Pod's name")
    .action(async (target, options) => (await import("./commands/logs.ts")).logs(target, options));
}

function addRoles(gantry: Command): void {
  const api = gantry
    .command("api")
    .description("run the API alone")
    .addOption(redisOption())
    .addOption(dataDirOption())
    .addOption(runtimeOption());
  serving(api, DEFAULT_LISTEN)
    .option("--ops-listen <host:port>", "pages for people, plain HTTP (default: none)")
    .action(async (options) => (await import("./commands/roles.ts")).api(options));
  gantry
    .command("scheduler")
    .description("run the scheduler alone")
    .addOption(redisOption())
    .option("--metrics-listen <host:port>", "serve /metrics, /healthz and /readyz (default: no)")
    .addOption(
      new Option("--metrics-token <token>", "ask for this token there")
        .env("GANTRY_METRICS_TOKEN")
        .hideHelp(),
    )
    .option(
      "--report-load <seconds>",
      "log so often how many Pods run and wait, for a scaling policy",
      positive,
    )
    .action(async (options) => (await import("./commands/roles.ts")).scheduler(options));
  const worker = gantry
    .command("worker")
    .description("run a worker alone")
    .addOption(redisOption())
    .addOption(dataDirOption())
    .addOption(runtimeOption())
    .addOption(concurrencyOption())
    .option(
      "--node <name>",
      "this worker's name as a Node; no two alike (default: the host's name)",
    )
    .option("--listen <host:port>", "where the api fetches logs of Pods", "127.0.0.1:0")
    .addOption(secretsKeyOption("the data directory's; a worker elsewhere needs the api's"))
    .addOption(
      new Option("--drain <how>", "on SIGTERM: let local Pods end, or stop them")
        .choices(["wait", "stop"])
        .default("stop"),
    );
  offering(worker).action(async (options) => (await import("./commands/roles.ts")).worker(options));
}

const client = (command: Command): Command =>
  command
    .addOption(dataDirOption())
    .option("--kubeconfig <file>", "the server and token to use instead")
    .option("-n, --namespace <name>", "namespace (default: default)");

const serving = (command: Command, listen: string): Command =>
  command
    .option("--listen <host:port>", "address of the API; port 0 lets the system choose", listen)
    .option("--ops-write", "let the pages for people change queues")
    .option(
      "--max-pending-jobs <count>",
      "beyond so many unfinished Jobs new ones are answered 429 (default: 200000)",
      positive,
    )
    .option(
      "--max-inflight <count>",
      "likewise writes at once in this process, and twice as many reads (default: 200)",
      positive,
    )
    .option(
      "--max-redis-memory <percent>",
      "likewise new objects beyond so much of the Redis server's memory (default: 80)",
      percent,
    )
    .option("--tls-cert <file>", "certificate (default: one of its own making)")
    .option("--tls-key <file>", "the certificate's key")
    .option("--insecure", "plain HTTP; kubectl sends no token over it")
    .addOption(secretsKeyOption("made in the data directory"));

/** What a worker has, and whom it takes. */
const offering = (command: Command): Command =>
  command
    .option("--cpu <quantity>", "what Pods may request altogether (default: the host's CPUs)")
    .option("--memory <quantity>", "likewise (default: the host's memory)")
    .option("--pods <count>", "likewise (default: --concurrency)", positive)
    .option("--label <key=value...>", "labels of this worker's Node")
    .option("--taint <key=value:effect...>", "taints of this worker's Node")
    .option("--allow-host-path <prefix...>", "where hostPath volumes may lie (default: nowhere)")
    .option("--allow-privileged", "docker: let Pods be privileged and use the host's namespaces")
    .option("--docker-network <name>", "docker: the network of Pods (default: bridge)")
    .addOption(ecsConfigOption());

const dataDirOption = (): Option =>
  new Option("--data-dir <dir>", "where Gantry keeps its data (default ~/.gantry)").env(
    "GANTRY_DATA_DIR",
  );

const ecsConfigOption = (): Option =>
  new Option("--ecs-config <file>", "ecs: cluster, network, roles; JSON or YAML").env(
    "GANTRY_ECS_CONFIG",
  );

const secretsKeyOption = (fallback: string): Option =>
  new Option("--secrets-key <file>", `keys that encrypt Secrets (default: ${fallback})`).env(
    "GANTRY_SECRETS_KEY",
  );

const redisOption = (): Option =>
  new Option(
    "--redis <url>",
    "a running Redis: redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://",
  ).env("GANTRY_REDIS_URL");

const runtimeOption = (): Option =>
  new Option("--runtime <names>", "runtimes to offer, the default one first")
    .env("GANTRY_RUNTIME")
    .default(["process", "simulated"], "process,simulated")
    .argParser((text: string) => {
      const names = text.split(",").map((name) => name.trim());
      const unknown = names.find((name) => !RUNTIMES.includes(name));
      if (unknown === undefined) return names;
      throw new InvalidArgumentError(
        `there is no runtime ${unknown}; there are ${RUNTIMES.join(", ")}.`,
      );
    });

const RUNTIMES: readonly string[] = ["process", "docker", "ecs", "simulated"];

const concurrencyOption = (): Option =>
  new Option(
    "--concurrency <pods>",
    "Pods at once (default: 100, with --runtime ecs 5000)",
  ).argParser(positive);

function wholeNumber(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

function percent(text: string): number {
  const number = positive(text);
  if (number > 100) throw new InvalidArgumentError("It must be 100 or less.");
  return number;
}

function positive(text: string): number {
  const number = wholeNumber(text);
  if (number < 1) throw new InvalidArgumentError("It must be 1 or more.");
  return number;
}
