// `npm run ecs:demo`: examples/pi.yaml on the ecs runtime against a fake, with the commands a user would type.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type FakeEcs, startFakeEcs } from "./fake-ecs.ts";
import { gantryEnvironment } from "./gantry-config.ts";
import { calmTimings } from "./settings.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const command = join(root, "packages/cli/dist/main.js");

const START_MS = 60_000;
const JOB_TIMEOUT = "120s";
/** Lines reach the log a little after they were written. */
const LOG_MS = 15_000;
const POLL_MS = 200;
const DIGITS = /^3\.14159\d{1990,}/;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const until = async <T>(
  what: string,
  timeoutMs: number,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> => {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await later(POLL_MS);
  }
};

const exited = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
    else child.once("exit", resolve);
  });

class Demo {
  readonly #directory = mkdtempSync(join(tmpdir(), "gantry-ecs-demo-"));
  readonly #environment: NodeJS.ProcessEnv;
  readonly #fake: FakeEcs;
  #gantry: ChildProcess | undefined;

  constructor(fake: FakeEcs) {
    this.#fake = fake;
    this.#environment = {
      PATH: process.env["PATH"],
      HOME: this.#directory,
      GANTRY_DATA_DIR: join(this.#directory, "data"),
      ...gantryEnvironment(this.#directory, fake),
    };
  }

  /** `gantry` with these words; what it prints on standard output. Throws if it fails. */
  async #run(words: readonly string[], shown = true): Promise<string> {
    if (shown) say(`$ gantry ${words.join(" ")}`);
    const child = spawn(process.execPath, [command, ...words], {
      cwd: root,
      env: this.#environment,
      stdio: ["ignore", "pipe", shown ? "inherit" : "ignore"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += String(chunk)));
    const code = await exited(child);
    if (code !== 0) throw new Error(`gantry ${words.join(" ")} ended with ${code}`);
    return output;
  }

  async #start(): Promise<void> {
    const words = ["up", "--listen", "127.0.0.1:0", "--ops-listen", "off"];
    say(`$ gantry ${words.join(" ")} --runtime ecs --ecs-config ecs.json &`);
    const gantry = spawn(process.execPath, [command, ...words], {
      cwd: root,
      env: this.#environment,
      stdio: ["ignore", "ignore", "inherit"],
    });
    this.#gantry = gantry;
    const kubeconfig = join(this.#directory, "data", "kubeconfig");
    await until("gantry ready", START_MS, () => {
      if (gantry.exitCode !== null) throw new Error(`gantry up ended with ${gantry.exitCode}`);
      return existsSync(kubeconfig) ? true : undefined;
    });
  }

  async run(): Promise<void> {
    await this.#start();
    process.stdout.write(await this.#run(["apply", "-f", "examples/pi.yaml"]));
    const wait = ["wait", "job/pi", "--for=condition=complete", `--timeout=${JOB_TIMEOUT}`];
    process.stdout.write(await this.#run(wait));
    say("$ gantry logs job/pi");
    const digits = await until("pi's digits in the log", LOG_MS, async () => {
      const text = await this.#run(["logs", "job/pi"], false);
      return DIGITS.test(text) ? text : undefined;
    });
    process.stdout.write(digits);
    this.#check();
  }

  /** One task ran, and it was the Pod's. */
  #check(): void {
    const { runs, violations } = this.#fake.journal;
    const [run] = runs;
    const code = run?.containers[0]?.exitCode;
    if (runs.length !== 1 || run === undefined || code !== 0 || violations.length > 0) {
      throw new Error(`not one task that exited with 0: ${JSON.stringify({ runs, violations })}`);
    }
    say(`(the output of ${run.taskArn}, from its CloudWatch log)`);
  }

  async close(): Promise<void> {
    this.#gantry?.kill("SIGINT");
    if (this.#gantry !== undefined) await exited(this.#gantry);
    await this.#fake.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const main = async (): Promise<void> => {
  const fake = await startFakeEcs({ timings: calmTimings });
  const demo = new Demo(fake);
  try {
    await demo.run();
  } finally {
    await demo.close();
  }
};

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
