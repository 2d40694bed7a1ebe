// Tables of a real API server against ours: columns of every kind, and rows whose object was recorded too.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseRfc3339 } from "../src/apimachinery/time.ts";
import { tableColumns, tableRow } from "../src/table/table.ts";
import type { Table, TableObject } from "../src/table/table.ts";

const recording = new URL("../../../../shared/wire/exchanges-kubectl-1.32.jsonl", import.meta.url);
const present = existsSync(recording);

interface Recorded {
  readonly n: number;
  readonly kind: string;
  readonly table: Table;
}

const kinds: Readonly<Record<string, string>> = {
  configmaps: "ConfigMap",
  cronjobs: "CronJob",
  jobs: "Job",
  namespaces: "Namespace",
  nodes: "Node",
  pods: "Pod",
  secrets: "Secret",
  serviceaccounts: "ServiceAccount",
  services: "Service",
};

/** Kind by the resource in the URL; undefined for resources that are not served. */
function kindOf(url: string): string | undefined {
  const path = url.split("?")[0]?.split("/").filter(Boolean) ?? [];
  const rest = path.slice(path[0] === "apis" ? 3 : 2);
  const resource = rest[0] === "namespaces" && rest.length > 2 ? rest[2] : rest[0];
  return kinds[resource ?? ""];
}

function documents(body: string): unknown[] {
  try {
    return [JSON.parse(body)];
  } catch {
    try {
      return body
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => (JSON.parse(line) as { object: unknown }).object);
    } catch {
      return [];
    }
  }
}

const key = ({ metadata }: TableObject): string => `${metadata?.uid}@${metadata?.resourceVersion}`;
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

function collect(value: unknown, into: Map<string, TableObject>): void {
  if (!isObject(value)) return;
  const { kind, metadata } = value as TableObject;
  const whole = ["spec", "status", "data", "type"].some((field) => field in value);
  const accounts = kind === "ServiceAccount" || kind === "Namespace";
  if (metadata?.uid !== undefined && (whole || accounts)) into.set(key(value), value);
  for (const child of Object.values(value)) {
    if (Array.isArray(child)) for (const item of child) collect(item, into);
    else collect(child, into);
  }
}

function read(): { tables: Recorded[]; objects: Map<string, TableObject> } {
  const tables: Recorded[] = [];
  const objects = new Map<string, TableObject>();
  for (const line of readFileSync(recording, "utf8").split("\n").filter(Boolean)) {
    const { n, request, response } = JSON.parse(line) as {
      n: number;
      request: { url: string };
      response: { body?: unknown };
    };
    const { body } = response;
    const docs = typeof body === "string" ? documents(body) : [body];
    for (const doc of docs) {
      collect(doc, objects);
      const kind = kindOf(request.url);
      if (isObject(doc) && "rows" in doc && kind !== undefined) {
        tables.push({ n, kind, table: doc as Table });
      }
    }
  }
  return { tables, objects };
}

/** Seconds of an age below three hours. */
function seconds(text: unknown): number {
  const [, h = 0, m = 0, s = 0] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(String(text)) ?? [];
  return Number(h) * 3600 + Number(m) * 60 + Number(s);
}

describe.skipIf(!present)(
  "as a Kubernetes API server answered (skipped without recordings)",
  () => {
    const { tables, objects } = present ? read() : { tables: [], objects: new Map() };

    test("every recorded Table of a served kind has the same columns", () => {
      const withColumns = tables.filter((recorded) => recorded.table.columnDefinitions !== null);
      expect(withColumns.length).toBeGreaterThan(40);
      for (const { n, kind, table } of withColumns) {
        const plain = (columns: Table["columnDefinitions"]) =>
          columns?.map(({ name, type, format, priority }) => ({ name, type, format, priority }));
        expect(plain(tableColumns(kind)), `exchange ${n}`).toEqual(plain(table.columnDefinitions));
        expect(Object.keys(tableColumns(kind)[0] ?? {})).toEqual(
          Object.keys(table.columnDefinitions?.[0] ?? {}),
        );
      }
    });

    test("rows whose object was recorded have the same cells and conditions", () => {
      const checked = new Map<string, number>();
      for (const { n, kind, table } of tables) {
        for (const row of table.rows) {
          const object = row.object === null ? undefined : objects.get(key(row.object));
          if (object === undefined) continue;
          const ageIndex = tableColumns(kind).findIndex((column) => column.name === "Age");
          const created = parseRfc3339(object.metadata?.creationTimestamp ?? "");
          const nowMs = created + seconds(row.cells[ageIndex]) * 1000;
          const ours = tableRow(kind, object, nowMs);
          expect(ours.cells, `exchange ${n}`).toEqual(row.cells);
          expect(ours.conditions, `exchange ${n}`).toEqual(row.conditions);
          expect(Object.keys(ours)).toEqual(Object.keys(row));
          checked.set(kind, (checked.get(kind) ?? 0) + 1);
        }
      }
      expect(checked.get("Job")).toBeGreaterThan(20);
      expect(checked.get("Pod")).toBeGreaterThan(5);
      expect(checked.get("CronJob")).toBeGreaterThan(0);
    });
  },
);
