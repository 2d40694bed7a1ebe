// `gantry delete`: by name, by file, by label; waits until the objects are gone.
import { hasReason, type Propagation } from "@gantry/sdk";
import { type ClientOptions, connectClient } from "../client.ts";
import { parseDurationMs } from "../duration.ts";
import { kindOf, parseTargets, type Target } from "../kinds.ts";
import { readManifests } from "../manifest.ts";
import { EXIT_FAILED, reportError } from "../report-error.ts";
import { UsageError } from "../usage-error.ts";

export interface DeleteOptions extends ClientOptions {
  readonly filename?: readonly string[];
  readonly selector?: string;
  readonly all?: boolean;
  readonly cascade: string;
  readonly gracePeriod?: number;
  readonly wait: boolean;
  readonly timeout?: string;
  readonly ignoreNotFound?: boolean;
}

interface Doomed extends Target {
  readonly name: string;
  readonly namespace: string | undefined;
}

const CASCADES: ReadonlyMap<string, Propagation> = new Map([
  ["background", "Background"],
  ["foreground", "Foreground"],
  ["orphan", "Orphan"],
]);

export async function remove(words: readonly string[], options: DeleteOptions): Promise<void> {
  const propagation = CASCADES.get(options.cascade.toLowerCase());
  if (propagation === undefined)
    throw new UsageError("--cascade is background, foreground or orphan");
  const timeoutMs = options.timeout === undefined ? undefined : parseDurationMs(options.timeout);
  const client = connectClient(options);
  const waits: (() => Promise<void>)[] = [];
  try {
    for (const { kind, name, namespace } of await doomed(client, words, options)) {
      const resource = client.resource(kind);
      try {
        const { uid } = (await resource.get(name, { namespace })).metadata;
        const gracePeriodSeconds = options.gracePeriod;
        await resource.delete(name, { namespace, uid, propagation, gracePeriodSeconds });
        console.log(`${kind.qualified} "${name}" deleted`);
        waits.push(() => resource.waitDeleted(name, { namespace, uid, timeoutMs }));
      } catch (error) {
        if (options.ignoreNotFound === true && hasReason(error, "NotFound")) continue;
        process.exitCode = EXIT_FAILED;
        reportError(error);
      }
    }
    if (options.wait) for (const wait of waits) await wait();
  } finally {
    client.close();
  }
}

async function doomed(
  client: ReturnType<typeof connectClient>,
  words: readonly string[],
  options: DeleteOptions,
): Promise<Doomed[]> {
  if (options.filename !== undefined) {
    return readManifests(options.filename).map(({ source, object }) => {
      const name = object.metadata?.name;
      if (name === undefined)
        throw new UsageError(`${source}: metadata.name: Required value to delete by`);
      return { kind: kindOf(object), name, namespace: object.metadata?.namespace };
    });
  }
  const found: Doomed[] = [];
  for (const { kind, name } of parseTargets(words)) {
    if (name !== undefined) {
      found.push({ kind, name, namespace: undefined });
      continue;
    }
    if (options.selector === undefined && options.all !== true) {
      throw new UsageError("say which ones: a name, -l SELECTOR or --all");
    }
    const { items } = await client.resource(kind).list({ labelSelector: options.selector });
    for (const { metadata } of items) {
      found.push({ kind, name: metadata.name, namespace: metadata.namespace });
    }
  }
  return found;
}
