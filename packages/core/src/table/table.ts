// metav1.Table: how lists and single objects look to `kubectl get` (job-spec.md 11).
import type { ListMeta, ObjectMeta } from "../schema/meta.ts";
import type { Cell, ColumnDefinition, Printer, RowCondition } from "./column.ts";
import { column, nameColumn } from "./column.ts";
import { configMapPrinter, secretPrinter, serviceAccountPrinter } from "./config.ts";
import { eventPrinter } from "./event.ts";
import { cronJobPrinter, jobPrinter } from "./job.ts";
import { leasePrinter, namespacePrinter, nodePrinter } from "./node.ts";
import { podPrinter } from "./pod.ts";
import { servicePrinter } from "./service.ts";

/** Any API object. */
export interface TableObject {
  readonly kind?: string | undefined;
  readonly apiVersion?: string | undefined;
  readonly metadata?: ObjectMeta | undefined;
}

/** Query parameter `includeObject`: what a row carries of its object. */
export type IncludeObject = "None" | "Metadata" | "Object";

export interface TableRow {
  readonly cells: readonly Cell[];
  readonly conditions?: readonly RowCondition[];
  readonly object: TableObject | null;
}

export interface Table {
  readonly kind: "Table";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: ListMeta;
  /** Null in the events of a watch after the first one. */
  readonly columnDefinitions: readonly ColumnDefinition[] | null;
  readonly rows: readonly TableRow[];
}

const printers: Readonly<Record<string, Printer<TableObject>>> = {
  ConfigMap: configMapPrinter,
  CronJob: cronJobPrinter,
  Event: eventPrinter,
  Job: jobPrinter,
  Lease: leasePrinter,
  Namespace: namespacePrinter,
  Node: nodePrinter,
  Pod: podPrinter,
  Secret: secretPrinter,
  Service: servicePrinter,
  ServiceAccount: serviceAccountPrinter,
};

/** For kinds without columns of their own. */
const defaultPrinter: Printer<TableObject> = {
  columns: [nameColumn, column("Created At", "When the object was created.", { format: "date" })],
  cells: ({ metadata }) => [metadata?.name ?? "", metadata?.creationTimestamp ?? ""],
};

const printerOf = (kind: string): Printer<TableObject> => printers[kind] ?? defaultPrinter;

/** Columns of a kind (`Job`, `Pod`...). */
export const tableColumns = (kind: string): readonly ColumnDefinition[] => printerOf(kind).columns;

function rowObject(object: TableObject, include: IncludeObject): TableObject | null {
  switch (include) {
    case "None":
      return null;
    case "Object":
      return object;
    case "Metadata":
      return {
        kind: "PartialObjectMetadata",
        apiVersion: "meta.k8s.io/v1",
        metadata: object.metadata,
      };
  }
}

/** `object` must be of `kind`; with `Object` it must carry its kind and apiVersion. */
export function tableRow(
  kind: string,
  object: TableObject,
  nowMs: number,
  include: IncludeObject = "Metadata",
): TableRow {
  const printer = printerOf(kind);
  const cells = printer.cells(object, nowMs);
  const conditions = printer.conditions?.(object);
  const shown = rowObject(object, include);
  return conditions === undefined ? { cells, object: shown } : { cells, conditions, object: shown };
}

/**
 * A Table of objects of one kind. `metadata` is that of the list, or the resourceVersion of the single
 * object. Only the first event of a watch has columns.
 */
export function table(
  kind: string,
  objects: readonly TableObject[],
  nowMs: number,
  options: {
    readonly metadata: ListMeta;
    readonly include?: IncludeObject | undefined;
    readonly withoutColumns?: boolean | undefined;
  },
): Table {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: options.metadata,
    columnDefinitions: options.withoutColumns === true ? null : tableColumns(kind),
    rows: objects.map((object) => tableRow(kind, object, nowMs, options.include)),
  };
}
