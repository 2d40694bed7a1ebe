// The key file of Secrets: made at first start, kept where only its owner can read it.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { SecretBox } from "@gantry/store";
import { privateDir } from "../private-file.ts";
import { UsageError } from "../usage-error.ts";

export interface SecretsKeyFile {
  /** `--secrets-key`; must be there. */
  readonly given: string | undefined;
  /** In the data directory. */
  readonly own: string;
  /** Makes the own one where there is none: for the part that encrypts. */
  readonly make: boolean;
}

/** Undefined for a worker that was given no key: it runs Pods that need no Secrets. */
export async function secretBox(file: SecretsKeyFile): Promise<SecretBox | undefined> {
  const { SecretBox: box, SecretKeyError } = await import("@gantry/store");
  const path = file.given ?? file.own;
  try {
    if (file.make && file.given === undefined) makeKey(path, box.newKey());
    return box.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof SecretKeyError) throw new UsageError(`${path}: ${error.message}`);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    if (file.given !== undefined) throw new UsageError(`--secrets-key ${path}: no such file`);
    return undefined;
  }
}

/** Whoever is first makes it; never written over, since it would lose the Secrets. */
function makeKey(path: string, key: string): void {
  privateDir(dirname(path));
  try {
    writeFileSync(path, `${key}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
