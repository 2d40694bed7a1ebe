// Prints stored objects as the API server does: empty fields left out, keys of the top in its order.
import { blank } from "./blank.ts";

const isEmpty = (value: unknown): boolean => {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return false;
};

/** Go's omitempty for what a store or a controller leaves behind: undefined, null, "" and []. */
export function withoutEmpty<T extends object>(value: T): T {
  const kept: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) if (!isEmpty(field)) kept[key] = field;
  return kept as T;
}

interface ApiObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata?: object | undefined;
  readonly [field: string]: unknown;
}

/** `kind`, `apiVersion`, `metadata`, then the rest: the order in which Kubernetes writes an object. */
export function renderObject<T extends object>(object: T): T {
  const { kind, apiVersion, metadata, ...rest } = object as ApiObject;
  return {
    ...blank,
    ...(kind === undefined ? {} : { kind }),
    ...(apiVersion === undefined ? {} : { apiVersion }),
    metadata: withoutEmpty(metadata ?? {}),
    ...rest,
  } as unknown as T;
}

/** Items of a list stand without kind and apiVersion. */
export function renderListItem<T extends object>(object: T): T {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = renderObject(object) as ApiObject;
  return rest as unknown as T;
}
