// Server-side apply and managedFields against what a real API server answered.
import { ApiError, kindOfResource } from "@gantry/core";
import { describe, expect, it } from "vitest";
import { applyPatch } from "../src/apply/apply-patch.ts";
import { conflictError } from "../src/apply/conflict-error.ts";
import { updateManagedFields } from "../src/apply/update-managed-fields.ts";
import { bodyOf, type Exchange, exchanges, recordingsMissing } from "./recordings.ts";

type Json = Record<string, unknown>;
interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly time?: string;
}

const parsed = (exchange: Exchange): Json | undefined => {
  try {
    return bodyOf(exchange) as Json;
  } catch {
    return undefined;
  }
};
const metaOf = (object: Json | undefined): Json => (object?.["metadata"] ?? {}) as Json;
const entriesOf = (object: Json | undefined): Entry[] =>
  (metaOf(object)["managedFields"] ?? []) as Entry[];
const withoutTimes = (entries: readonly object[]): object[] =>
  entries.map((entry) => ({ ...entry, time: undefined }));
/** Controllers write between the recorded requests, so their entries may be newer than what was seen. */
const byClients = (entries: readonly Entry[]): Entry[] =>
  entries.filter(({ manager }) => manager !== "kube-controller-manager");

const generated = /^(batch\.kubernetes\.io\/)?(controller-uid|job-name)$/;
const withoutGenerated = (labels: unknown): Json | undefined => {
  const left = Object.entries((labels ?? {}) as Json).filter(([key]) => !generated.test(key));
  return left.length === 0 ? undefined : Object.fromEntries(left);
};

/** The object of a create before the server generated its selector and labels. */
function beforeGeneration(body: Json): Json {
  const { managedFields: _, ...metadata } = metaOf(body);
  const object = structuredClone({ ...body, metadata }) as {
    metadata: Json;
    spec: { selector?: unknown; template?: { metadata?: Json } };
  };
  object.metadata["labels"] = withoutGenerated(object.metadata["labels"]);
  if (body["kind"] !== "Job") return object as unknown as Json;
  delete object.spec.selector;
  const template = object.spec.template?.metadata ?? {};
  template["labels"] = withoutGenerated(template["labels"]);
  return object as unknown as Json;
}

/** The managedFields that a JSON patch sets, as kubectl does to take over from its older way. */
function patchedEntries({ request }: Exchange): unknown {
  if (request.contentType !== "application/json-patch+json") return undefined;
  const { body } = request;
  const operations = (typeof body === "string" ? JSON.parse(body) : body) as {
    path: string;
    value: unknown;
  }[];
  return operations.find(({ path }) => path === "/metadata/managedFields")?.value;
}

const isDryRun = (url: string): boolean => url.includes("dryRun=All");

const target = (url: string) => {
  const path = url.split("?")[0] ?? "";
  const match =
    /^\/apis\/(batch\/v1)\/namespaces\/([^/]+)\/(jobs|cronjobs)(?:\/([^/]+))?(?:\/(status))?$/.exec(
      path,
    );
  if (match === null) return undefined;
  const [, apiVersion = "", namespace = "", plural = "", name, subresource = ""] = match;
  const kind = kindOfResource(apiVersion, plural);
  return kind === undefined
    ? undefined
    : { apiVersion, namespace, plural, name, subresource, kind };
};

describe.skipIf(recordingsMissing !== undefined)(
  `recordings${recordingsMissing === undefined ? "" : ` (skipped: ${recordingsMissing})`}`,
  () => {
    const recorded =
      recordingsMissing === undefined ? exchanges("exchanges-kubectl-1.32.jsonl") : [];
    const nowMs = Date.parse("2030-01-01T00:00:00Z");

    /** What each object was when last seen before an exchange. */
    const states = function* (): Generator<{ exchange: Exchange; live: Json | undefined }> {
      const seen = new Map<string, Json>();
      for (const exchange of recorded) {
        const at = target(exchange.request.url);
        if (at === undefined) continue;
        const body = parsed(exchange);
        const name = at.name ?? (metaOf(body)["name"] as string | undefined);
        const key = `${at.namespace}/${at.plural}/${name}`;
        const live = at.name === undefined ? undefined : seen.get(key);
        yield { exchange, live };
        const isObject = body?.["kind"] === at.kind.kind && !isDryRun(exchange.request.url);
        if (exchange.request.method === "DELETE") seen.delete(key);
        else if (isObject && body !== undefined) seen.set(key, body);
      }
    };

    it("applies end in the same ownership and the same conflicts", () => {
      let applied = 0;
      for (const { exchange, live } of states()) {
        const { request, response } = exchange;
        const at = target(request.url);
        if (request.contentType !== "application/apply-patch+yaml" || at === undefined) continue;
        const query = new URLSearchParams(request.url.split("?")[1] ?? "");
        const manager = query.get("fieldManager");
        if (manager === null || (response.status !== 200 && response.status !== 409)) continue;
        const patch = JSON.parse(String(request.body)) as Json;
        const result = applyPatch({
          live,
          patch,
          manager,
          force: query.get("force") === "true",
          schema: at.kind.schema,
          apiVersion: at.apiVersion,
          subresource: at.subresource,
          ignored: [["f:status"]],
          nowMs,
        });
        const body = parsed(exchange);
        const label = `${exchange.n} ${exchange.label}`;
        if ("conflicts" in result) {
          expect(response.status, label).toBe(409);
          expect(conflictError(result.conflicts).status, label).toEqual(body);
        } else {
          expect(response.status, label).toBe(200);
          const [ours, theirs] = [byClients(entriesOf(result.object)), byClients(entriesOf(body))];
          expect(withoutTimes(ours), label).toEqual(withoutTimes(theirs));
          const timed = (entries: readonly Entry[]) =>
            entries.map(({ time }) => time !== undefined);
          expect(timed(ours), label).toEqual(timed(theirs));
        }
        applied += 1;
      }
      expect(applied).toBeGreaterThan(8);
    });

    it("creates, updates and patches end in the same ownership", () => {
      let compared = 0;
      const wrong: string[] = [];
      for (const { exchange, live } of states()) {
        const { request, response } = exchange;
        const at = target(request.url);
        const writes = ["POST", "PUT", "PATCH"].includes(request.method);
        if (!writes || at === undefined || response.status > 201) continue;
        if (request.contentType === "application/apply-patch+yaml") continue;
        const body = parsed(exchange);
        if (body === undefined || body["kind"] !== at.kind.kind) continue;
        if (request.method !== "POST" && live === undefined) continue;
        // Reads cut managedFields off where a controller wrote meanwhile: compare only the writer's.
        const { managedFields: _, ...metadata } = metaOf(body);
        const query = new URLSearchParams(request.url.split("?")[1] ?? "");
        const known = entriesOf(live);
        const theirs = entriesOf(body);
        const manager =
          query.get("fieldManager") ??
          theirs.find(({ manager: name }) => ["curl", "kubectl", "kubectl-edit"].includes(name))
            ?.manager ??
          "curl";
        const ours = updateManagedFields({
          live,
          next:
            request.method === "POST"
              ? beforeGeneration(body)
              : { ...body, metadata: { ...metadata, managedFields: patchedEntries(exchange) } },
          manager,
          schema: at.kind.schema,
          apiVersion: at.apiVersion,
          subresource: at.subresource,
          ignored: at.subresource === "" ? [["f:status"]] : [["f:spec"]],
          nowMs,
        });
        const writer = (entries: readonly object[]): object[] =>
          withoutTimes(entries).filter((entry) => {
            const { manager: name, subresource = "" } = entry as Entry;
            return name === manager && subresource === at.subresource;
          });
        if (known.length > 0 || request.method === "POST") {
          compared += 1;
          if (JSON.stringify(sorted(writer(ours))) !== JSON.stringify(sorted(writer(theirs)))) {
            wrong.push(
              `${exchange.n} ${exchange.label}\n ours   ${JSON.stringify(writer(ours))}\n theirs ${JSON.stringify(writer(theirs))}`,
            );
          }
        }
      }
      expect(wrong.join("\n")).toBe("");
      expect(compared).toBeGreaterThan(20);
    });
  },
);

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

it("errors are ApiErrors", () => {
  expect(conflictError([])).toBeInstanceOf(ApiError);
});
