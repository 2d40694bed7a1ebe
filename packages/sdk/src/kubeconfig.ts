// Reads a kubeconfig: the current context's server, authority, token and namespace.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";

export interface KubeconfigEntry {
  readonly url: string;
  readonly token: string | undefined;
  readonly ca: string | undefined;
  readonly namespace: string | undefined;
}

interface Kubeconfig {
  readonly "current-context"?: string;
  readonly contexts?: readonly {
    readonly name: string;
    readonly context: {
      readonly cluster: string;
      readonly user?: string;
      readonly namespace?: string;
    };
  }[];
  readonly clusters?: readonly {
    readonly name: string;
    readonly cluster: {
      readonly server: string;
      readonly "certificate-authority-data"?: string;
      readonly "certificate-authority"?: string;
    };
  }[];
  readonly users?: readonly {
    readonly name: string;
    readonly user: { readonly token?: string; readonly tokenFile?: string };
  }[];
}

/** Throws Error with the file's name and what is missing in it. */
export function readKubeconfig(file: string, contextName?: string): KubeconfigEntry {
  const config = (parse(readFileSync(file, "utf8")) ?? {}) as Kubeconfig;
  const wanted = contextName ?? config["current-context"];
  const context = config.contexts?.find((one) => one.name === wanted)?.context;
  if (context === undefined)
    throw new Error(`${file}: there is no context ${JSON.stringify(wanted)}`);
  const cluster = config.clusters?.find((one) => one.name === context.cluster)?.cluster;
  if (cluster === undefined) throw new Error(`${file}: there is no cluster ${context.cluster}`);
  const user = config.users?.find((one) => one.name === context.user)?.user;
  const beside = (path: string): string => readFileSync(resolve(dirname(file), path), "utf8");
  const data = cluster["certificate-authority-data"];
  const caFile = cluster["certificate-authority"];
  return {
    url: cluster.server,
    ca:
      data === undefined ? caFile && beside(caFile) : Buffer.from(data, "base64").toString("utf8"),
    token: user?.token ?? (user?.tokenFile && beside(user.tokenFile).trim()),
    namespace: context.namespace,
  };
}
