// Programs of a newer Debian, unpacked beside the system: nothing is installed.
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Long enough for 30 MB over a slow line, short enough for a test run. */
const LIMIT_MS = 120_000;

/** Debian 13. */
export const SUITE = "trixie";

/** Kept between runs. */
export const cacheDirectory = (): string =>
  process.env["GANTRY_TEST_CACHE"] ?? join(tmpdir(), "gantry-test-cache");

/** Where this system gets its packages from. */
const mirror = async (): Promise<string> => {
  const { stdout } = await run("apt-get", [
    "indextargets",
    "--format",
    "$(REPO_URI)",
    "Created-By: Packages",
  ]);
  const found = stdout.split("\n").find((uri) => /\/debian\/?$/.test(uri));
  if (found === undefined) throw new Error("this system has no Debian mirror");
  return found;
};

/**
 * Packages of another suite, downloaded with all they need into `work`, and nothing installed.
 * Resolves with the directory that has the archives; rejects where that is not possible.
 */
export const downloadPackages = async (
  work: string,
  packages: readonly string[],
): Promise<string> => {
  const archives = join(work, "cache/archives");
  mkdirSync(join(work, "state/lists/partial"), { recursive: true });
  mkdirSync(join(archives, "partial"), { recursive: true });
  writeFileSync(join(work, "status"), "");
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  writeFileSync(
    join(work, "sources.list"),
    `deb [signed-by=${keyring}] ${await mirror()} ${SUITE} main\n`,
  );
  writeFileSync(
    join(work, "apt.conf"),
    `Dir::State "${work}/state";
Dir::State::status "${work}/status";
Dir::Cache "${work}/cache";
Dir::Etc::sourcelist "${work}/sources.list";
Dir::Etc::sourceparts "-";
APT::Sandbox::User "root";
`,
  );
  const options = {
    timeout: LIMIT_MS,
    env: { ...process.env, APT_CONFIG: join(work, "apt.conf"), DEBIAN_FRONTEND: "noninteractive" },
  };
  await run("apt-get", ["update", "-q"], options);
  const flags = ["-y", "-q", "--no-install-recommends", "--download-only"];
  await run("apt-get", ["install", ...flags, ...packages], options);
  return archives;
};

/** Into `root`, a directory that is there. */
export const unpackPackages = async (archives: string, root: string): Promise<void> => {
  const packages = readdirSync(archives).filter((name) => name.endsWith(".deb"));
  // base-files first: it makes the links that the others' paths go through.
  const isBase = (name: string): number => (name.startsWith("base-files") ? 0 : 1);
  for (const name of packages.toSorted((a, b) => isBase(a) - isBase(b))) {
    await run("dpkg-deb", ["-x", join(archives, name), root]);
  }
};
