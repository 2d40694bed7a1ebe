// Reads manifests: files with one or more YAML or JSON documents, `-` for standard input.
import type { ApiObject } from "@gantry/sdk";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { UsageError } from "./usage-error.ts";

export interface Manifest {
  /** Where it stands, for messages. */
  readonly source: string;
  readonly object: ApiObject & { apiVersion: string; kind: string };
}

/** All objects of the files; a directory is its .yaml, .yml and .json files. Lists are taken apart. */
export function readManifests(paths: readonly string[]): Manifest[] {
  const found = paths.flatMap(filesOf).flatMap((path) => parseManifests(path, textOf(path)));
  if (found.length === 0) throw new UsageError(`${paths.join(", ")}: there is no object in it`);
  return found;
}

export function parseManifests(source: string, text: string): Manifest[] {
  const documents = parseAllDocuments(text, { merge: true });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const error = document.errors[0];
    if (error !== undefined) {
      throw new UsageError(`${source}: not valid YAML: ${error.message.trim()}`);
    }
    const value: unknown = document.toJS();
    return value === null || value === undefined ? [] : objectsOf(source, value);
  });
}

function objectsOf(source: string, value: unknown): Manifest[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UsageError(
      `${source}: a manifest is a mapping with apiVersion, kind, metadata and spec`,
    );
  }
  const object = value as ApiObject & { items?: unknown };
  for (const field of ["apiVersion", "kind"] as const) {
    if (typeof object[field] !== "string" || object[field] === "") {
      throw new UsageError(`${source}: ${field}: Required value: every manifest says its ${field}`);
    }
  }
  if (object.kind === "List" && Array.isArray(object.items)) {
    return object.items.flatMap((item) => objectsOf(source, item));
  }
  return [{ source, object: object as Manifest["object"] }];
}

function filesOf(path: string): string[] {
  if (path === "-" || !statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => /\.(ya?ml|json)$/.test(name))
    .toSorted()
    .map((name) => join(path, name));
}

function textOf(path: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(code === "ENOENT" ? `${path}: no such file` : `${path}: ${message}`);
  }
}
