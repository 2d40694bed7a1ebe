// Builds core/v1 Events in the form in which the API server shows those of controllers (R76).
import { maxSubdomainLength } from "./apimachinery/name-rules.ts";
import { rfc3339 } from "./apimachinery/time.ts";
import type { Event } from "./schema/event.ts";
import type { ObjectReference } from "./schema/reference.ts";

/** `eventTime` is null on events of this form, though absent from the schema's type. */
export type ControllerEvent = Omit<Event, "eventTime"> & {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly message: string;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly count: number;
  readonly eventTime: null;
};

/** Events about objects without a namespace (Nodes) are kept in this one. */
const DEFAULT_NAMESPACE = "default";

const NS_PER_MS = 1_000_000n;

/** Nanoseconds since 1970 as a controller's clock shows them; `extraNs` keeps names apart. */
export const unixNanoseconds = (nowMs: number, extraNs: number): bigint =>
  BigInt(Math.floor(nowMs)) * NS_PER_MS + BigInt(extraNs);

/** `<object>.<hex of unix nanoseconds>`; a long object name is cut so that the whole is a valid name. */
export function eventName(objectName: string, nanoseconds: bigint): string {
  const suffix = `.${nanoseconds.toString(16)}`;
  const room = maxSubdomainLength - suffix.length;
  return `${objectName.slice(0, room).replace(/[-.]+$/, "")}${suffix}`;
}

export interface NewEvent {
  /** Of what: kind, namespace, name, uid, apiVersion, resourceVersion. */
  readonly involvedObject: ObjectReference;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** Name of the controller or worker, e.g. `job-controller`. */
  readonly component: string;
  /** Node on which a worker emits it. */
  readonly host?: string | undefined;
}

/** A first occurrence, in the field order of the API server. uid, resourceVersion come with storing it. */
export function eventObject(event: NewEvent, name: string, nowMs: number): ControllerEvent {
  const { involvedObject, reason, message, component, host, type } = event;
  const time = rfc3339(nowMs);
  return {
    kind: "Event",
    apiVersion: "v1",
    metadata: { name, namespace: involvedObject.namespace || DEFAULT_NAMESPACE },
    involvedObject,
    reason,
    message,
    source: host === undefined ? { component } : { component, host },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
    type,
    eventTime: null,
    reportingComponent: component,
    reportingInstance: host ?? "",
  };
}
