// Finds a Redis or Valkey server on this machine, or installs one by the system's package manager.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { UsageError } from "../usage-error.ts";

/** Says something to a person; not a log. */
export type Say = (text: string) => void;

const SERVERS = ["redis-server", "valkey-server"] as const;
/** Where package managers put programs that a bare PATH may lack. */
const USUAL_DIRS = [
  "/usr/local/bin",
  "/usr/bin",
  "/opt/homebrew/bin",
  "/usr/sbin",
  "/usr/local/sbin",
];

interface PackageManager {
  readonly program: string;
  readonly asRoot: boolean;
  /** Tried in turn until one leaves a server on this machine. */
  readonly installs: readonly (readonly string[])[];
}

const MANAGERS: readonly PackageManager[] = [
  {
    program: "apt-get",
    asRoot: true,
    installs: [
      ["install", "-y", "-q", "--no-install-recommends", "redis-server"],
      ["update", "-q"],
      ["install", "-y", "-q", "--no-install-recommends", "redis-server"],
    ],
  },
  {
    program: "apk",
    asRoot: true,
    installs: [
      ["add", "--no-cache", "redis"],
      ["add", "--no-cache", "valkey"],
    ],
  },
  {
    program: "dnf",
    asRoot: true,
    installs: [
      ["install", "-y", "-q", "valkey"],
      ["install", "-y", "-q", "redis"],
    ],
  },
  { program: "brew", asRoot: false, installs: [["install", "--quiet", "redis"]] },
];

const INSTALL_TIMEOUT_MS = 5 * 60_000;

/** Path of the server. Throws UsageError with what to install when there is none and none may be installed. */
export async function findRedis(say: Say, env = process.env): Promise<string> {
  const found = installedRedis(env);
  if (found !== undefined) return found;
  const manager = MANAGERS.find((one) => onPath(one.program, env) !== undefined);
  const why = manager === undefined ? "no known package manager" : refusal(manager, env);
  if (manager === undefined || why !== undefined) throw new UsageError(advice(why));
  say(`No redis-server on this machine: installing it with ${manager.program}`);
  let output = "";
  for (const args of manager.installs) {
    const command = withRoot(manager, args);
    const done = spawnSync(command[0] ?? "", command.slice(1), {
      env: { ...env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: INSTALL_TIMEOUT_MS,
      encoding: "utf8",
    });
    output = `${done.stdout}${done.stderr}`;
    const installed = installedRedis(env);
    if (installed !== undefined) return installed;
  }
  const last = output.trim().split("\n").slice(-3).join("\n");
  throw new UsageError(advice(`${manager.program} failed:\n${last}\n`));
}

export function installedRedis(env = process.env): string | undefined {
  for (const server of SERVERS) {
    const path = onPath(server, env);
    if (path !== undefined) return path;
  }
  return undefined;
}

function onPath(program: string, env = process.env): string | undefined {
  const dirs = [...(env["PATH"] ?? "").split(delimiter), ...USUAL_DIRS];
  for (const dir of dirs) {
    if (dir === "") continue;
    const path = join(dir, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** Why this manager may not be used, if so. */
function refusal(manager: PackageManager, env: NodeJS.ProcessEnv): string | undefined {
  if (env["GANTRY_NO_INSTALL"] === "1") return "GANTRY_NO_INSTALL=1 forbids installing one";
  const root = process.getuid?.() === 0;
  if (!manager.asRoot) return root ? `${manager.program} does not run as root` : undefined;
  return root || sudoWorks() ? undefined : `installing needs root, and sudo asks for a password`;
}

const sudoWorks = (): boolean =>
  spawnSync("sudo", ["-n", "true"], { stdio: "ignore", timeout: 5_000 }).status === 0;

function withRoot(manager: PackageManager, args: readonly string[]): string[] {
  const command = [manager.program, ...args];
  return manager.asRoot && process.getuid?.() !== 0 ? ["sudo", "-n", ...command] : command;
}

const advice = (why: string | undefined): string =>
  `Gantry needs a Redis server (7.0 or newer) or Valkey, and found none${why ? ` (${why})` : ""}. ` +
  `Install one (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis; Alpine: apk add redis; ` +
  `Fedora: dnf install valkey), or name a running one with --redis URL.`;
