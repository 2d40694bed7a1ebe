// Connects a command to the Gantry it means: a kubeconfig, an address in the environment, or the data directory's.
import { Gantry } from "@gantry/sdk";
import { existsSync, readFileSync } from "node:fs";
import { dataDir } from "./data-dir.ts";
import { UsageError } from "./usage-error.ts";

export interface ClientOptions {
  readonly dataDir?: string;
  readonly kubeconfig?: string;
  readonly namespace?: string;
}

/** A server named outright, by `--kubeconfig` or `GANTRY_URL` (with GANTRY_TOKEN and GANTRY_CA_FILE). */
export function namedServer(options: ClientOptions, env = process.env): Gantry | undefined {
  const { namespace } = options;
  if (options.kubeconfig !== undefined) {
    if (!existsSync(options.kubeconfig))
      throw new UsageError(`${options.kubeconfig}: no such file`);
    return Gantry.fromKubeconfig(options.kubeconfig, { namespace });
  }
  const url = env["GANTRY_URL"];
  if (url === undefined || url === "") return undefined;
  const caFile = env["GANTRY_CA_FILE"];
  return new Gantry({
    url,
    namespace,
    token: env["GANTRY_TOKEN"],
    ca: caFile ? readFileSync(caFile, "utf8") : undefined,
  });
}

export function connectClient(options: ClientOptions): Gantry {
  const named = namedServer(options);
  if (named !== undefined) return named;
  const dir = dataDir(options.dataDir);
  if (!existsSync(dir.kubeconfig)) {
    throw new UsageError(
      `no Gantry has run on ${dir.root} yet: start one with \`gantry up\`, or name one with --kubeconfig or GANTRY_URL`,
    );
  }
  return Gantry.fromKubeconfig(dir.kubeconfig, { namespace: options.namespace });
}
