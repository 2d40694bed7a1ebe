// The launcher: when it installs and builds, and when it does not. npm is a stand-in that notes its calls.
import { spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

let root: string;
let checkout: string;
const at = (...parts: string[]): string => join(checkout, ...parts);

function write(path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
}

/** `npm ci` makes node_modules and `npm run build` the program; both are slow enough to be raced. */
const NPM = `#!/bin/sh
echo "$1" >>"$NPM_CALLS"
[ ! -e "$NPM_CALLS.fail" ] || { echo "npm says why"; exit 1; }
sleep 0.2
case $1 in
  ci) rm -rf node_modules; mkdir node_modules ;;
  run) mkdir -p packages/cli/dist; cat main.source >packages/cli/dist/main.js ;;
esac
`;
const MAIN = `console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() })); process.exit(7);`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gantry-launcher-"));
  checkout = join(root, "a checkout");
  write(at("package-lock.json"), "{}");
  write(at("tsconfig.base.json"), "{}");
  write(at("packages/cli/package.json"), "{}");
  write(at("packages/cli/src/main.ts"), "");
  write(at("main.source"), MAIN);
  write(join(root, "bin/npm"), NPM, 0o755);
  const launcher = fileURLToPath(new URL("../../../gantry", import.meta.url));
  copyFileSync(launcher, at("gantry"));
  // In the past, so that what a test writes is newer than the build.
  for (const file of ["package-lock.json", "tsconfig.base.json", "packages/cli/package.json"])
    age(file);
  for (const file of ["packages/cli/src/main.ts", "packages/cli/src"]) age(file);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const age = (file: string, seconds = -60): void => {
  const time = Date.now() / 1_000 + seconds;
  utimesSync(at(file), time, time);
};

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function launch(args: string[] = [], program = at("gantry"), cwd = root): Promise<Run> {
  const env = {
    ...process.env,
    NPM_CALLS: join(root, "calls"),
    PATH: `${join(root, "bin")}:${process.env["PATH"]}`,
  };
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** What npm was called for since the last question. */
function calls(): string[] {
  const file = join(root, "calls");
  if (!existsSync(file)) return [];
  const found = readFileSync(file, "utf8").trim().split("\n");
  rmSync(file);
  return found;
}

describe("the launcher", () => {
  test("installs and builds once, says so on stderr, and hands over arguments and exit code", async () => {
    const first = await launch(["run", "a file.yaml"]);
    expect(first.stderr).toBe("gantry: installing dependencies (npm ci)\ngantry: building\n");
    expect(JSON.parse(first.stdout)).toEqual({ args: ["run", "a file.yaml"], cwd: root });
    expect(first.code).toBe(7);
    expect(calls()).toEqual(["ci", "run"]);
    const second = await launch();
    expect(second).toMatchObject({ code: 7, stderr: "" });
    expect(calls()).toEqual([]);
  });

  test("builds again when a source is newer, was removed, or a setting changed", async () => {
    await launch();
    calls();
    age("packages/cli/src/main.ts", 5);
    await launch();
    expect(calls()).toEqual(["run"]);
    age("packages/cli/src/main.ts");
    age("packages/cli/src", 5);
    await launch();
    expect(calls()).toEqual(["run"]);
    age("packages/cli/src");
    age("tsconfig.base.json", 5);
    await launch();
    expect(calls()).toEqual(["run"]);
  });

  test("installs again when the lock file changed, and not when only its date did", async () => {
    await launch();
    calls();
    age("package-lock.json", 5);
    await launch();
    expect(calls()).toEqual([]);
    writeFileSync(at("package-lock.json"), '{"changed": true}');
    await launch();
    expect(calls()).toEqual(["ci", "run"]);
  });

  test("takes an installation that somebody made with npm", async () => {
    write(at("node_modules/.package-lock.json"), "{}");
    await launch();
    expect(calls()).toEqual(["run"]);
  });

  test("sets up once when several start at the same time", async () => {
    const runs = await Promise.all([launch(["1"]), launch(["2"]), launch(["3"])]);
    expect(runs.map((run) => run.code)).toEqual([7, 7, 7]);
    expect(calls()).toEqual(["ci", "run"]);
  });

  test("goes on after a set-up that was killed", async () => {
    write(at(".gantry-setup/pid"), "999999999");
    expect(await launch()).toMatchObject({ code: 7 });
    expect(existsSync(at(".gantry-setup"))).toBe(false);
  });

  test("works through symbolic links and from any directory", async () => {
    symlinkSync("a checkout/gantry", join(root, "link"));
    mkdirSync(join(root, "elsewhere"));
    symlinkSync("../link", join(root, "elsewhere/gantry"));
    const run = await launch([], join(root, "elsewhere/gantry"), join(root, "elsewhere"));
    expect(JSON.parse(run.stdout)).toMatchObject({ cwd: join(root, "elsewhere") });
  });

  test("shows npm's output when it fails, and tries again the next time", async () => {
    writeFileSync(join(root, "calls.fail"), "");
    const failed = await launch();
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain("npm says why\ngantry: this failed: npm ci");
    rmSync(join(root, "calls.fail"));
    calls();
    expect(await launch()).toMatchObject({ code: 7 });
    expect(calls()).toEqual(["ci", "run"]);
  });

  test("refuses a Node that is too old", async () => {
    write(join(root, "bin/node"), "#!/bin/sh\necho 20.18.3\n", 0o755);
    expect(await launch()).toMatchObject({
      code: 1,
      stderr: "gantry: Node.js 20.19 or newer is needed, and this is 20.18.3\n",
    });
  });
});
