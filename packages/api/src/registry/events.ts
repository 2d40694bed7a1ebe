// Events have two faces: core/v1, which is stored, and events.k8s.io/v1.
import type { ApiObject } from "./strategy.ts";

const text = (value: unknown): string => (typeof value === "string" ? value : "");

const record = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

const defined = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** A core/v1 Event's text of a field selector label, of either version. */
export const eventField = (event: ApiObject, name: string): string => {
  const [first = "", second] = name.split(".");
  if (first === "involvedObject" || first === "regarding") {
    return text(record(event["involvedObject"])[second ?? ""]);
  }
  if (first === "source")
    return text(record(event["source"])["component"]) || text(event["reportingComponent"]);
  if (first === "reportingController") return text(event["reportingComponent"]);
  return text(event[first]);
};

export const toEventsV1 = (event: ApiObject): ApiObject => {
  const {
    involvedObject,
    message,
    source,
    firstTimestamp,
    lastTimestamp,
    count,
    reportingComponent,
    ...rest
  } = event;
  return {
    ...rest,
    apiVersion: "events.k8s.io/v1",
    ...defined({
      eventTime: event["eventTime"] ?? null,
      regarding: involvedObject,
      note: message,
      reportingController: reportingComponent,
      deprecatedSource: source,
      deprecatedFirstTimestamp: firstTimestamp,
      deprecatedLastTimestamp: lastTimestamp,
      deprecatedCount: count,
    }),
  };
};

export const fromEventsV1 = (event: ApiObject): ApiObject => {
  const {
    regarding,
    note,
    reportingController,
    deprecatedSource,
    deprecatedFirstTimestamp,
    deprecatedLastTimestamp,
    deprecatedCount,
    ...rest
  } = event;
  return {
    ...rest,
    apiVersion: "v1",
    ...defined({
      involvedObject: regarding ?? event["involvedObject"] ?? {},
      message: note,
      source: deprecatedSource ?? {},
      firstTimestamp: deprecatedFirstTimestamp ?? null,
      lastTimestamp: deprecatedLastTimestamp ?? null,
      count: deprecatedCount,
      reportingComponent: reportingController,
    }),
  };
};
