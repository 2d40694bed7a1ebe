// `gantry wait`: until a condition is true, or the object is gone.
import { type ApiObject, isFinished, outcomeText, type Served, WaitError } from "@gantry/sdk";
import { type ClientOptions, connectClient } from "../client.ts";
import { parseDurationMs } from "../duration.ts";
import { parseTargets } from "../kinds.ts";
import { UsageError } from "../usage-error.ts";

export interface WaitOptions extends ClientOptions {
  readonly for: string;
  readonly timeout: string;
  readonly selector?: string;
  readonly all?: boolean;
}

type Goal = { readonly type: "delete" } | { readonly type: string; readonly status: string };

interface Conditions {
  status?: { conditions?: { type?: string; status?: string }[] };
}

export async function wait(words: readonly string[], options: WaitOptions): Promise<void> {
  const goal = parseGoal(options.for);
  const timeoutMs = parseDurationMs(options.timeout);
  const client = connectClient(options);
  try {
    const deadline = Date.now() + timeoutMs;
    for (const { kind, name } of parseTargets(words)) {
      const resource = client.resource(kind);
      const names = name === undefined ? await selected(resource, options) : [name];
      for (const one of names) {
        const remaining = Math.max(0, deadline - Date.now());
        await resource.waitUntil(one, { timeoutMs: remaining }, (object) =>
          reached(goal, one, object),
        );
        const text = goal.type === "delete" ? "deleted" : "condition met";
        console.log(`${kind.qualified}/${one} ${text}`);
      }
    }
  } finally {
    client.close();
  }
}

async function selected(
  resource: ReturnType<ReturnType<typeof connectClient>["resource"]>,
  options: WaitOptions,
): Promise<string[]> {
  if (options.selector === undefined && options.all !== true) {
    throw new UsageError("say which ones: a name, -l SELECTOR or --all");
  }
  const { items } = await resource.list({ labelSelector: options.selector });
  if (items.length === 0) throw new UsageError("no matching resources found");
  return items.map((item) => item.metadata.name);
}

/** `condition=Complete`, `condition=Ready=false`, `delete`. */
export function parseGoal(text: string): Goal {
  if (text === "delete") return { type: "delete" };
  const match = /^condition=([^=]+)(?:=(.+))?$/.exec(text);
  if (match?.[1] === undefined) {
    throw new UsageError(`--for=${text}: write --for=condition=Complete or --for=delete`);
  }
  return { type: match[1], status: match[2] ?? "True" };
}

function reached(
  goal: Goal,
  name: string,
  object: Served<ApiObject> | undefined,
): { done: undefined } | undefined {
  if (!("status" in goal)) return object === undefined ? { done: undefined } : undefined;
  if (object === undefined) throw new WaitError("Impossible", `${name}: not found`);
  const conditions = (object as Conditions).status?.conditions ?? [];
  const same = (a: string | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase();
  const held = conditions.some((one) => same(one.type, goal.type) && same(one.status, goal.status));
  if (held) return { done: undefined };
  // Kubernetes would wait for the timeout; nothing revives a finished Job.
  if (object.kind === "Job" && isFinished(object as Conditions)) {
    throw new WaitError(
      "Impossible",
      `job ${name} can't become ${goal.type}: it ${outcomeText(object as Conditions)}`,
    );
  }
  return undefined;
}
