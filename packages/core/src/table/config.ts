// Printer columns of ConfigMaps, Secrets and ServiceAccounts.
import type { ConfigMap, Secret, ServiceAccount } from "../schema/config.ts";
import { age } from "./age.ts";
import { ageColumn, column, nameColumn } from "./column.ts";
import type { Printer } from "./column.ts";

const size = (map: object | undefined): number => Object.keys(map ?? {}).length;

/** Typed string although its cells are numbers, as Kubernetes has it. */
const dataColumn = column("Data", "Number of entries.");

export const configMapPrinter: Printer<ConfigMap> = {
  columns: [nameColumn, dataColumn, ageColumn],
  cells: ({ metadata, data, binaryData }, nowMs) => [
    metadata?.name ?? "",
    size(data) + size(binaryData),
    age(metadata?.creationTimestamp, nowMs),
  ],
};

export const secretPrinter: Printer<Secret> = {
  columns: [nameColumn, column("Type", "What the data is meant for."), dataColumn, ageColumn],
  cells: ({ metadata, data, type }, nowMs) => [
    metadata?.name ?? "",
    type ?? "",
    size(data),
    age(metadata?.creationTimestamp, nowMs),
  ],
};

export const serviceAccountPrinter: Printer<ServiceAccount> = {
  columns: [nameColumn, ageColumn],
  cells: ({ metadata }, nowMs) => [metadata?.name ?? "", age(metadata?.creationTimestamp, nowMs)],
};
