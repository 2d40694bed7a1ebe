// Where one Gantry keeps what it must not lose, and the names of the files there.
import { homedir } from "node:os";
import { join, resolve } from "node:path";

export interface DataDir {
  readonly root: string;
  /** Redis' append-only file, its configuration and log. */
  readonly redis: string;
  readonly tls: string;
  readonly token: string;
  /** Keys that encrypt Secrets. */
  readonly secretsKey: string;
  readonly kubeconfig: string;
  /** Who runs on this directory: pid and address. */
  readonly instance: string;
  /** One file for each `gantry run` that uses a Gantry of another process. */
  readonly guests: string;
  /** Log of a Gantry that `gantry run` started. */
  readonly log: string;
}

export function dataDir(path: string | undefined, env = process.env): DataDir {
  const root = resolve(path ?? (env["GANTRY_DATA_DIR"] || join(homedir(), ".gantry")));
  return {
    root,
    redis: join(root, "redis"),
    tls: join(root, "tls"),
    token: join(root, "token"),
    secretsKey: join(root, "secrets-key"),
    kubeconfig: join(root, "kubeconfig"),
    instance: join(root, "instance.json"),
    guests: join(root, "guests"),
    log: join(root, "gantry.log"),
  };
}
