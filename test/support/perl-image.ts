// A root filesystem with a perl that runs the seed's Job: packages, unpacked beside the system.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory, downloadPackages, SUITE, unpackPackages } from "./debian-packages.ts";

const run = promisify(execFile);

/** Its perl 5.40 has the Math::BigInt that computes bpi(2000) right. */
const PACKAGES = ["base-files", "perl"];

/** Path of the tar archive, made once, or why it can't be made here. */
export const perlArchive = async (): Promise<{ path: string } | { reason: string }> => {
  const path = join(cacheDirectory(), `perl-${SUITE}-${process.arch}.tar`);
  if (existsSync(path)) return { path };
  const work = mkdtempSync(join(tmpdir(), "gantry-perl-"));
  try {
    const root = join(work, "root");
    mkdirSync(root);
    await unpackPackages(await downloadPackages(work, PACKAGES), root);
    for (const needless of ["usr/share/doc", "usr/share/man", "usr/share/locale"]) {
      rmSync(join(root, needless), { recursive: true, force: true });
    }
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
