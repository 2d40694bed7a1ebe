// The API's objects as a client sees them, and where each kind is served.
import type { ObjectMeta, WireEvent, WireJob, WirePod } from "@gantry/core";

/** Any object of the API. */
export interface ApiObject {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata?: ObjectMeta | undefined;
}

/** An object that the server returned: what identifies it is always there. */
export type Served<T extends ApiObject> = Omit<T, "metadata"> & {
  metadata: ObjectMeta & { name: string; uid: string; resourceVersion: string };
};

export type JobManifest = WireJob;
export type Job = Served<WireJob>;
export type Pod = Served<WirePod>;
export type Event = Served<WireEvent>;

/** Where a kind is served. */
export interface Resource {
  readonly kind: string;
  /** Group and version, `batch/v1` or `v1`. */
  readonly apiVersion: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** `/apis/batch/v1/namespaces/default/jobs/pi`; without a namespace, across all. */
export function pathOf(resource: Resource, namespace?: string, name?: string): string {
  const root = resource.apiVersion.includes("/") ? "apis" : "api";
  const parts = [root, ...resource.apiVersion.split("/")];
  if (resource.namespaced && namespace !== undefined) parts.push("namespaces", namespace);
  parts.push(resource.plural);
  if (name !== undefined) parts.push(name);
  return `/${parts.map((part) => encodeURIComponent(part)).join("/")}`;
}
