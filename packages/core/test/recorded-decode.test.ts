// Decodes every object that a real API server answered with: nothing may be unknown, lost or changed.
// Skipped where the recordings are not beside the checkout.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeMessage } from "../src/apimachinery/decode.ts";
import { kindOfObject } from "../src/apimachinery/kinds.ts";
import type { KindInfo } from "../src/apimachinery/kinds.ts";

const recording = new URL("../../../../shared/wire/exchanges-kubectl-1.32.jsonl", import.meta.url);

interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly items?: readonly ApiObject[];
}

function recordedObjects(): [KindInfo, ApiObject][] {
  const objects: [KindInfo, ApiObject][] = [];
  for (const line of existsSync(recording) ? readFileSync(recording, "utf8").split("\n") : []) {
    if (line === "") continue;
    const { response } = JSON.parse(line) as { response: { body?: string } };
    if (!response.body?.trimStart().startsWith("{")) continue;
    for (const text of [response.body, ...response.body.split("\n")]) collect(text, objects);
  }
  return objects;
}

function collect(text: string, objects: [KindInfo, ApiObject][]): void {
  let parsed: ApiObject & { object?: ApiObject };
  try {
    parsed = JSON.parse(text) as ApiObject;
  } catch {
    return;
  }
  const list = parsed.kind?.endsWith("List") ? parsed.kind.slice(0, -"List".length) : undefined;
  const items = list === undefined ? [parsed.object ?? parsed] : (parsed.items ?? []);
  for (const item of items) {
    const kind = kindOfObject(item.apiVersion ?? parsed.apiVersion ?? "", item.kind ?? list ?? "");
    if (kind !== undefined) objects.push([kind, item]);
  }
}

const objects = recordedObjects();

/** Kubernetes prints some zero values as null (creationTimestamp of a template); decoding drops them. */
const withoutNulls = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_key, field: unknown) => (field === null ? undefined : field)));

describe.skipIf(objects.length === 0)("recorded objects", () => {
  it("decode without loss", () => {
    expect(objects.length).toBeGreaterThan(300);
    for (const [kind, object] of objects) {
      const { value, unknownFields } = decodeMessage(kind.schema, object);
      expect(unknownFields).toEqual([]);
      expect(value).toEqual(withoutNulls(object));
    }
  });

  it("map keys come in the order in which Kubernetes prints them", () => {
    for (const [kind, object] of objects) {
      const { value } = decodeMessage(kind.schema, object);
      expect(JSON.stringify(value)).toBe(JSON.stringify(withoutNulls(object)));
    }
  });
});
