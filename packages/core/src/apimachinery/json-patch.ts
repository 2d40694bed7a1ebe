// JSON Patch (RFC 6902).
import { ApiError, badRequest, invalidRequest, tooManyPatchOperations } from "./errors.ts";
import { isUnsafeKey } from "./merge-patch.ts";

/** Kubernetes' bound on operations of one patch. */
export const maxJsonPatchOperations = 10_000;

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from: string | undefined;
  readonly value: unknown;
}

type Container = Record<string, unknown> | unknown[];

const isContainer = (value: unknown): value is Container =>
  typeof value === "object" && value !== null;

/** `/a~1b/0` as its keys. The empty pointer is the whole document. */
function pointerKeys(pointer: string): string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) throw invalidRequest();
  return pointer
    .slice(1)
    .split("/")
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function listIndex(key: string, length: number): number {
  if (!/^(?:0|[1-9][0-9]*)$/.test(key)) throw invalidRequest();
  const index = Number(key);
  if (index >= length) throw invalidRequest();
  return index;
}

function read(container: unknown, key: string): unknown {
  if (!isContainer(container)) throw invalidRequest();
  if (Array.isArray(container)) return container[listIndex(key, container.length)] as unknown;
  if (!Object.hasOwn(container, key)) throw invalidRequest();
  return container[key];
}

const lookup = (document: unknown, keys: readonly string[]): unknown =>
  keys.reduce<unknown>((value, key) => read(value, key), document);

function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every(
      (key) =>
        Object.hasOwn(b, key) &&
        jsonEqual((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
    )
  );
}

const copy = <T>(value: T): T =>
  isContainer(value) ? (JSON.parse(JSON.stringify(value)) as T) : value;

/** Holds the document under one key, so that the root is replaced like any other value. */
class PatchedDocument {
  readonly #holder: { root: unknown };

  constructor(document: unknown) {
    this.#holder = { root: copy(document) };
  }

  get value(): unknown {
    return this.#holder.root;
  }

  get(pointer: string): unknown {
    return lookup(this.value, pointerKeys(pointer));
  }

  add(pointer: string, value: unknown): void {
    const { parent, key } = this.#place(pointer);
    if (!Array.isArray(parent)) parent[key] = value;
    else if (key === "-") parent.push(value);
    else parent.splice(listIndex(key, parent.length + 1), 0, value);
  }

  remove(pointer: string): void {
    const { parent, key } = this.#place(pointer);
    read(parent, key);
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else delete parent[key];
  }

  replace(pointer: string, value: unknown): void {
    const { parent, key } = this.#place(pointer);
    read(parent, key);
    if (Array.isArray(parent)) parent[Number(key)] = value;
    else parent[key] = value;
  }

  #place(pointer: string): { parent: Container; key: string } {
    const keys = ["root", ...pointerKeys(pointer)];
    const key = keys.pop() ?? "root";
    const parent = lookup(this.#holder, keys);
    if (!isContainer(parent) || isUnsafeKey(key)) throw invalidRequest();
    return { parent, key };
  }
}

function parseOperation(given: unknown): Operation {
  if (!isContainer(given) || Array.isArray(given)) {
    throw badRequest("error decoding patch: json: cannot unmarshal value into an operation");
  }
  const { op, path, from, value } = given;
  if (typeof op !== "string" || typeof path !== "string") throw invalidRequest();
  return { op, path, from: typeof from === "string" ? from : undefined, value };
}

function applyOperation(document: PatchedDocument, operation: Operation): void {
  const { op, path, from, value } = operation;
  switch (op) {
    case "add":
      return document.add(path, copy(value));
    case "remove":
      return document.remove(path);
    case "replace":
      return document.replace(path, copy(value));
    case "test":
      return test(document, path, value);
    case "copy":
    case "move": {
      if (from === undefined) throw invalidRequest();
      if (op === "move" && path.startsWith(`${from}/`)) throw invalidRequest();
      const moved = copy(document.get(from));
      if (op === "move") document.remove(from);
      return document.add(path, moved);
    }
    default:
      throw invalidRequest();
  }
}

/** A path that is not there equals null. */
function test(document: PatchedDocument, path: string, expected: unknown): void {
  let actual: unknown = null;
  try {
    actual = document.get(path);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
  if (!jsonEqual(actual, expected ?? null)) throw invalidRequest();
}

/**
 * The patched document; the argument is not changed. Throws ApiError: 400 for a patch that is no list
 * of operations, 413 for too many, 422 for one that does not apply.
 */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) {
    const given = isContainer(patch) ? "object" : typeof patch;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${given} into Go value of type jsonpatch.Patch`,
    );
  }
  if (patch.length > maxJsonPatchOperations) {
    throw tooManyPatchOperations(patch.length, maxJsonPatchOperations);
  }
  const patched = new PatchedDocument(document);
  for (const given of patch as unknown[]) applyOperation(patched, parseOperation(given));
  return patched.value;
}
