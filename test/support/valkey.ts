// A valkey-server: the system's, or that of a newer Debian, unpacked beside the system.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory, downloadPackages, SUITE, unpackPackages } from "./debian-packages.ts";

const run = promisify(execFile);

export interface Valkey {
  /** Program that starts it. */
  readonly program: string;
  readonly version: string;
}

const versionOf = async (program: string): Promise<string> => {
  const { stdout } = await run(program, ["--version"]);
  return /v=(\S+)/.exec(stdout)?.[1] ?? "?";
};

/** The newer system's own loader and libraries, since the present one's may be too old for it. */
const launcher = (root: string): string => `#!/bin/sh
root=${root}
for loader in "$root"/usr/lib64/ld-linux-*.so.* "$root"/usr/lib/ld-linux-*.so.*; do
  [ -e "$loader" ] && break
done
exec "$loader" --library-path "$(echo "$root"/usr/lib/*-linux-gnu)" "$root/usr/bin/valkey-server" "$@"
`;

const unpacked = async (): Promise<string> => {
  const directory = join(cacheDirectory(), `valkey-${SUITE}-${process.arch}`);
  const program = join(directory, "valkey-server");
  if (existsSync(program)) return program;
  const work = mkdtempSync(join(tmpdir(), "gantry-valkey-"));
  try {
    const root = join(work, "made/root");
    mkdirSync(root, { recursive: true });
    await unpackPackages(await downloadPackages(work, ["base-files", "valkey-server"]), root);
    writeFileSync(join(work, "made/valkey-server"), launcher(join(directory, "root")), {
      mode: 0o755,
    });
    mkdirSync(cacheDirectory(), { recursive: true });
    await run("cp", ["-a", join(work, "made"), `${directory}.${process.pid}`]);
    renameSync(`${directory}.${process.pid}`, directory);
    return program;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

/** Why there is none on this machine, where there is none. */
export const findValkey = async (): Promise<Valkey | { readonly reason: string }> => {
  const own = await versionOf("valkey-server").catch(() => undefined);
  if (own !== undefined) return { program: "valkey-server", version: own };
  try {
    const program = await unpacked();
    return { program, version: await versionOf(program) };
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return { reason: `no valkey-server can be had here: ${why}` };
  }
};
