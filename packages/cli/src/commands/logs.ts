// `gantry logs`: the output of a Pod, or of all Pods of a Job.
import { type Gantry, hasReason } from "@gantry/sdk";
import { once } from "node:events";
import { type ClientOptions, connectClient } from "../client.ts";
import { parseDurationMs } from "../duration.ts";
import { parseTargets } from "../kinds.ts";
import { UsageError } from "../usage-error.ts";

export interface LogsOptions extends ClientOptions {
  readonly follow?: boolean;
  readonly tail?: number;
  readonly since?: string;
  readonly timestamps?: boolean;
  readonly container?: string;
  readonly previous?: boolean;
  readonly prefix?: boolean;
}

/** NAME is a Pod or else a Job; `pod/NAME` and `job/NAME` say which. */
export async function logs(target: string, options: LogsOptions): Promise<void> {
  const client = connectClient(options);
  const abort = new AbortController();
  // The reader went away: there is nobody to write for.
  process.stdout.once("error", () => abort.abort());
  try {
    const { kind, name } = await resolveTarget(client, target);
    const log = {
      follow: options.follow,
      tailLines: options.tail !== undefined && options.tail >= 0 ? options.tail : undefined,
      sinceSeconds:
        options.since === undefined ? undefined : Math.ceil(parseDurationMs(options.since) / 1_000),
      timestamps: options.timestamps,
      container: options.container,
      signal: abort.signal,
    };
    if (kind === "Pod") {
      const previous = options.previous;
      for await (const chunk of client.pods.logStream(name, { ...log, previous }))
        await print(chunk);
      return;
    }
    if (options.previous === true)
      throw new UsageError("--previous goes with a Pod, not with a Job");
    for await (const { pod, chunk } of client.jobs.logChunks(name, log)) {
      await print(
        options.prefix === true ? Buffer.concat([Buffer.from(`[${pod}] `), chunk]) : chunk,
      );
    }
  } finally {
    client.close();
  }
}

async function resolveTarget(
  client: Gantry,
  target: string,
): Promise<{ kind: "Pod" | "Job"; name: string }> {
  if (target.includes("/")) {
    const [found] = parseTargets([target]);
    const kind = found?.kind.kind;
    if ((kind !== "Pod" && kind !== "Job") || found?.name === undefined) {
      throw new UsageError(`${target}: only Pods and Jobs have logs`);
    }
    return { kind, name: found.name };
  }
  try {
    await client.pods.get(target);
    return { kind: "Pod", name: target };
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
    // A Job of the name, or the Pod's own error.
    return client.jobs.get(target).then(
      () => ({ kind: "Job" as const, name: target }),
      () => Promise.reject(error),
    );
  }
}

async function print(chunk: Buffer): Promise<void> {
  if (process.stdout.write(chunk) || process.stdout.destroyed) return;
  await Promise.race([once(process.stdout, "drain"), once(process.stdout, "close")]);
}
