import type { z } from "zod";
import { field, int32, message, microTime, string, time, typeMeta } from "./message.ts";
import { objectMeta } from "./meta.ts";
import { objectReference } from "./reference.ts";

export const eventSeries = message("io.k8s.api.core.v1.EventSeries", {
  count: field(1, int32),
  lastObservedTime: field(2, microTime),
});

export const eventSource = message("io.k8s.api.core.v1.EventSource", {
  component: field(1, string),
  host: field(2, string),
});

export const event = message("io.k8s.api.core.v1.Event", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  involvedObject: field(2, objectReference),
  reason: field(3, string),
  message: field(4, string),
  source: field(5, eventSource),
  firstTimestamp: field(6, time),
  lastTimestamp: field(7, time),
  count: field(8, int32),
  type: field(9, string),
  eventTime: field(10, microTime),
  series: field(11, eventSeries),
  action: field(12, string),
  related: field(13, objectReference),
  reportingComponent: field(14, string),
  reportingInstance: field(15, string),
});
export type Event = z.infer<typeof event>;

export const eventsV1EventSeries = message("io.k8s.api.events.v1.EventSeries", {
  count: field(1, int32),
  lastObservedTime: field(2, microTime),
});

export const eventsV1Event = message("io.k8s.api.events.v1.Event", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  eventTime: field(2, microTime),
  series: field(3, eventsV1EventSeries),
  reportingController: field(4, string),
  reportingInstance: field(5, string),
  action: field(6, string),
  reason: field(7, string),
  regarding: field(8, objectReference),
  related: field(9, objectReference),
  note: field(10, string),
  type: field(11, string),
  deprecatedSource: field(12, eventSource),
  deprecatedFirstTimestamp: field(13, time),
  deprecatedLastTimestamp: field(14, time),
  deprecatedCount: field(15, int32),
});
