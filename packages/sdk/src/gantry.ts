// The client: one connection, and a part for each kind.
import { Connection, type ConnectionOptions } from "./connection.ts";
import { GantryError } from "./errors.ts";
import { JobsClient } from "./jobs.ts";
import { readKubeconfig } from "./kubeconfig.ts";
import type { ApiObject, Resource, Served } from "./objects.ts";
import { PodsClient } from "./pods.ts";
import { ResourceClient } from "./resource-client.ts";

export interface GantryOptions extends ConnectionOptions {
  /** Where calls without a namespace go. Default `default`. */
  readonly namespace?: string | undefined;
}

const READY_TIMEOUT_MS = 2_000;

export class Gantry {
  readonly jobs: JobsClient;
  readonly pods: PodsClient;
  readonly connection: Connection;
  readonly namespace: string;

  constructor(options: GantryOptions) {
    this.connection = new Connection(options);
    this.namespace = options.namespace ?? "default";
    this.pods = new PodsClient(this.connection, this.namespace);
    this.jobs = new JobsClient(this.connection, this.namespace, this.pods);
  }

  /** Connects as a kubeconfig's current context says. */
  static fromKubeconfig(
    file: string,
    options: Partial<GantryOptions> & { readonly context?: string } = {},
  ): Gantry {
    const { context, ...rest } = options;
    const entry = readKubeconfig(file, context);
    return new Gantry({ ...entry, ...rest, namespace: rest.namespace ?? entry.namespace });
  }

  /** The verbs for any other kind. */
  resource(resource: Resource): ResourceClient<ApiObject, Served<ApiObject>> {
    return new ResourceClient(this.connection, resource, this.namespace);
  }

  /** Whether the server can take a Job; one that does not answer can't. Throws ConnectionError when nobody is there. */
  async ready(): Promise<boolean> {
    const signal = AbortSignal.timeout(READY_TIMEOUT_MS);
    try {
      (await this.connection.stream({ method: "GET", path: "/readyz", signal })).resume();
      return true;
    } catch (error) {
      if (error instanceof GantryError || signal.aborted) return false;
      throw error;
    }
  }

  /** Closes idle connections, so that a process can end. */
  close(): void {
    this.connection.close();
  }
}
