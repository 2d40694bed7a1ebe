// A root filesystem with a perl that runs the seed's Job: packages, unpacked beside the system.
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Long enough for 30 MB over a slow line, short enough for a test run. */
const LIMIT_MS = 120_000;
/** Debian 13: its perl 5.40 has the Math::BigInt that computes bpi(2000) right. */
const SUITE = "trixie";

/** Kept between runs, by architecture. */
const cacheDirectory = (): string =>
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

/** Packages of another suite, downloaded with all they need, and nothing installed. */
const download = async (work: string): Promise<string> => {
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
  await run("apt-get", ["install", ...flags, "base-files", "perl"], options);
  return archives;
};

const unpack = async (archives: string, root: string): Promise<void> => {
  mkdirSync(root);
  const packages = readdirSync(archives).filter((name) => name.endsWith(".deb"));
  // base-files first: it makes the links that the others' paths go through.
  const isBase = (name: string): number => (name.startsWith("base-files") ? 0 : 1);
  for (const name of packages.toSorted((a, b) => isBase(a) - isBase(b))) {
    await run("dpkg-deb", ["-x", join(archives, name), root]);
  }
  for (const needless of ["usr/share/doc", "usr/share/man", "usr/share/locale"]) {
    rmSync(join(root, needless), { recursive: true, force: true });
  }
};

/** Path of the tar archive, made once, or why it can't be made here. */
export const perlArchive = async (): Promise<{ path: string } | { reason: string }> => {
  const path = join(cacheDirectory(), `perl-${SUITE}-${process.arch}.tar`);
  if (existsSync(path)) return { path };
  const work = mkdtempSync(join(tmpdir(), "gantry-perl-"));
  try {
    const root = join(work, "root");
    await unpack(await download(work), root);
    await run("tar", ["-C", root, "-cf", join(work, "perl.tar"), "."]);
    mkdirSync(cacheDirectory(), { recursive: true });
    const partial = `${path}.${process.pid}`;
    await run("mv", [join(work, "perl.tar"), partial]);
    renameSync(partial, path);
    return { path };
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return { reason: `no root filesystem with perl can be made here: ${why}` };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};
