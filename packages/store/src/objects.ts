// Which type each resource is kept as, and its text form.
import type { Job, PodRecord, StoredMeta } from "@gantry/core";
import type { Resource } from "./keys.ts";
import { decodePod, encodePod } from "./pod-codec.ts";
import { misshapenField } from "./record-shape.ts";

/** Any API object as it is kept: the Kubernetes JSON without `metadata.resourceVersion`. */
export interface StoredObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata: StoredMeta;
  readonly [field: string]: unknown;
}

export interface ObjectTypes {
  jobs: Job;
  cronjobs: StoredObject;
  pods: PodRecord;
  events: StoredObject;
  namespaces: StoredObject;
  nodes: StoredObject;
  configmaps: StoredObject;
  secrets: StoredObject;
  serviceaccounts: StoredObject;
  leases: StoredObject;
}

export type ObjectOf<R extends Resource> = ObjectTypes[R];

export interface Stored<T> {
  /** resourceVersion. */
  readonly rv: string;
  readonly key: string;
  readonly value: T;
  /** Its body as it is kept, where who read it may write another status of it. */
  readonly body?: string;
}

/** A record that can't be read (edited by hand, cut off); other objects are not affected. */
export class MalformedRecordError extends Error {
  override name = "MalformedRecordError";
  readonly resource: Resource;
  readonly key: string;

  constructor(resource: Resource, key: string, cause: unknown) {
    super(`stored ${resource} ${key} is malformed`, { cause });
    this.resource = resource;
    this.key = key;
  }
}

const isPlain = ({ meta, spec, conditions }: PodRecord): boolean =>
  meta === undefined && spec === undefined && conditions === undefined;

export const decodeBody = <R extends Resource>(
  resource: R,
  key: string,
  body: string,
): ObjectOf<R> => {
  try {
    const pod = resource === "pods" ? decodePod(key, body) : undefined;
    // Most Pods are all cells: nothing of theirs is to be looked at.
    if (pod !== undefined && isPlain(pod)) return pod as ObjectOf<R>;
    const object = (pod ?? JSON.parse(body)) as ObjectOf<R>;
    const wrong = misshapenField(resource, object);
    if (wrong !== undefined) throw new Error(`${wrong} is missing or of another type`);
    return object;
  } catch (error) {
    throw new MalformedRecordError(resource, key, error);
  }
};

export const encodeBody = <R extends Resource>(resource: R, value: ObjectOf<R>): string => {
  if (resource === "pods") return encodePod(value as PodRecord);
  const object = value as StoredObject;
  if (!("resourceVersion" in object.metadata)) return JSON.stringify(object);
  const { resourceVersion: _, ...metadata } = object.metadata;
  return JSON.stringify({ ...object, metadata });
};

/**
 * As `encodeBody`, of what differs from `before` in its status alone: the rest of the text is taken
 * over. A Job's controller writes several versions of it, most of which is spec and metadata.
 */
export const encodeNextBody = <R extends Resource>(
  resource: R,
  before: Stored<ObjectOf<R>>,
  after: ObjectOf<R>,
): string => {
  const head = before.body === undefined ? null : beforeStatus(before.body, before.value, after);
  return head === null
    ? encodeBody(resource, after)
    : `${head}${JSON.stringify((after as StoredObject)["status"])}}`;
};

/** What stands before the status, if it is the last field and the only one that is another. */
const beforeStatus = (body: string, before: object, after: object): string | null => {
  const [old, next] = [before as StoredObject, after as StoredObject];
  const names = Object.keys(next);
  const sameRest = names.every((name) => name === "status" || next[name] === old[name]);
  if (!sameRest || names.length !== Object.keys(old).length) return null;
  if (next["status"] === undefined || "resourceVersion" in next.metadata) return null;
  const tail = `${JSON.stringify(old["status"])}}`;
  const head = body.slice(0, -tail.length);
  return body.endsWith(tail) && head.endsWith(',"status":') ? head : null;
};

/** Splits "<rv> <body>". */
export const splitValue = (value: string): { rv: string; body: string } => {
  const space = value.indexOf(" ");
  return { rv: value.slice(0, space), body: value.slice(space + 1) };
};

export const decodeValue = <R extends Resource>(
  resource: R,
  key: string,
  value: string,
): Stored<ObjectOf<R>> => {
  const { rv, body } = splitValue(value);
  return { rv, key, value: decodeBody(resource, key, body) };
};
