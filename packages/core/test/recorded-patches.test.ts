// Patches that a real API server accepted, applied to the object that it had answered with before.
// Skipped where the recordings are not beside the checkout.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { applyJsonPatch } from "../src/apimachinery/json-patch.ts";
import { kindOfResource } from "../src/apimachinery/kinds.ts";
import { applyMergePatch } from "../src/apimachinery/merge-patch.ts";
import { applyStrategicMergePatch } from "../src/apimachinery/strategic-merge-patch.ts";

const recording = new URL("../../../../shared/wire/exchanges-kubectl-1.32.jsonl", import.meta.url);

interface Stored {
  readonly metadata: Record<string, unknown>;
  readonly spec?: { readonly template?: { readonly metadata?: { readonly labels?: unknown } } };
}

interface Exchange {
  readonly n: number;
  readonly request: { method: string; url: string; contentType?: string; body?: string };
  readonly response: { status: number; body?: string };
}

interface RecordedPatch {
  readonly n: number;
  readonly url: string;
  readonly type: string;
  readonly patch: unknown;
  readonly before: Stored;
  readonly after: Stored;
}

function storedOf(body: string | undefined): Stored | undefined {
  if (!body?.trimStart().startsWith("{")) return undefined;
  try {
    const parsed = JSON.parse(body) as Stored & { kind?: string };
    return parsed.metadata?.["uid"] === undefined ? undefined : parsed;
  } catch {
    return undefined;
  }
}

function recordedPatches(): RecordedPatch[] {
  const last = new Map<unknown, Stored>();
  const patches: RecordedPatch[] = [];
  for (const line of existsSync(recording) ? readFileSync(recording, "utf8").split("\n") : []) {
    if (line === "") continue;
    const { n, request, response } = JSON.parse(line) as Exchange;
    const after = storedOf(response.body);
    if (after === undefined || response.status >= 300) continue;
    const uid = after.metadata["uid"];
    const before = last.get(uid);
    const [url = ""] = request.url.split("?");
    const type = request.contentType ?? "";
    const dry = request.url.includes("dryRun");
    if (request.method === "PATCH" && before !== undefined && !type.includes("apply")) {
      const patch = JSON.parse(request.body ?? "null") as unknown;
      patches.push({ n, url, type, patch, before, after });
    }
    if (!dry) last.set(uid, after);
  }
  return patches;
}

const patches = recordedPatches();

/**
 * What a patch changes: the rest is the server's (version, managers, status, generation). M9: a Job
 * left without labels is given its template's.
 */
const changed = ({ metadata, spec }: Stored): unknown => ({
  labels: metadata["labels"] ?? spec?.template?.metadata?.labels,
  annotations: metadata["annotations"] ?? {},
  finalizers: metadata["finalizers"],
  spec,
});

describe.skipIf(patches.length === 0)("recorded patches", () => {
  it.each(patches.map((patch) => [patch.n, patch.type, patch] as const))(
    "exchange %i: %s",
    (_n, type, { url, patch, before, after }) => {
      const [, group = "", plural = ""] =
        /\/apis?\/(.*?)\/(?:namespaces\/[^/]+\/)?([^/]+)\/[^/]+(?:\/status)?$/.exec(url) ?? [];
      const kind = kindOfResource(group, plural);
      if (kind === undefined) throw new Error(`no kind for ${url}`);
      const result = type.startsWith("application/json-patch")
        ? applyJsonPatch(before, patch)
        : type.startsWith("application/merge-patch")
          ? applyMergePatch(before, patch)
          : applyStrategicMergePatch(kind.schema, before, patch);
      expect(changed(result as Stored)).toEqual(changed(after));
    },
  );
});
