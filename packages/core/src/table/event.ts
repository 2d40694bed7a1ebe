// Printer columns of Events.
import type { Event } from "../schema/event.ts";
import { age } from "./age.ts";
import { column, wideColumn } from "./column.ts";
import type { Printer } from "./column.ts";

/** Some writers leave the time null rather than out. */
export type PrintedEvent = Omit<Event, "eventTime"> & { eventTime?: string | null | undefined };

function source({ source: from, reportingComponent, reportingInstance }: PrintedEvent): string {
  const component = from?.component || (reportingComponent ?? "");
  const host = from?.host || (reportingInstance ?? "");
  return host === "" ? component : `${component}, ${host}`;
}

function target({ involvedObject }: PrintedEvent): string {
  const kind = (involvedObject?.kind ?? "").toLowerCase();
  return involvedObject?.name ? `${kind}/${involvedObject.name}` : kind;
}

export const eventPrinter: Printer<PrintedEvent> = {
  columns: [
    column("Last Seen", "Time since the event occurred last."),
    column("Type", "Normal or Warning."),
    column("Reason", "Short word for why this happened."),
    column("Object", "What the event is about."),
    wideColumn("Subobject", "Part of the object that the event is about."),
    wideColumn("Source", "Component that reports the event."),
    column("Message", "What happened."),
    wideColumn("First Seen", "Time since the event occurred first."),
    wideColumn("Count", "How often the event occurred."),
    wideColumn("Name", "Name of the Event, unique within its namespace."),
  ],
  cells: (event, nowMs) => {
    const firstSeen = age(event.firstTimestamp ?? event.eventTime, nowMs);
    const last = event.series?.lastObservedTime ?? event.lastTimestamp;
    return [
      last === undefined ? firstSeen : age(last, nowMs),
      event.type ?? "",
      event.reason ?? "",
      target(event),
      event.involvedObject?.fieldPath ?? "",
      source(event),
      (event.message ?? "").trim(),
      firstSeen,
      // An event of the newer API that occurred once has no count.
      (event.series === undefined ? event.count : event.series.count) || 1,
      event.metadata?.name ?? "",
    ];
  },
};
