// The table that a person reads.
import type { RowResult } from "./measure.ts";

type Column = readonly [title: string, text: (row: RowResult) => string];

const figure = (value: number | undefined, unit = ""): string =>
  value === undefined ? "" : `${value.toLocaleString("en")}${unit}`;

const columns: readonly Column[] = [
  ["row", ({ name }) => name],
  ["Pods/s", ({ podsPerSecond }) => figure(podsPerSecond)],
  ["bare BullMQ/s", ({ bareBullMqPerSecond }) => figure(bareBullMqPerSecond)],
  ["ratio", ({ ratio }) => figure(ratio)],
  ["running p50", ({ p50Ms }) => figure(p50Ms, " ms")],
  ["p99", ({ p99Ms }) => figure(p99Ms, " ms")],
  ["Complete p50", ({ completeP50Ms }) => figure(completeP50Ms, " ms")],
  ["p99", ({ completeP99Ms }) => figure(completeP99Ms, " ms")],
  ["bytes/Pod kept", ({ redisBytesPerFinishedPod }) => figure(redisBytesPerFinishedPod)],
  ["Redis reads/Pod", ({ perPod }) => figure(perPod?.redisReads)],
  ["scripts/Pod", ({ perPod }) => figure(perPod?.redisScripts)],
  ["commands/Pod", ({ perPod }) => figure(perPod?.redisCommands)],
  ["Redis us/Pod", ({ perPod }) => figure(perPod?.redisCpuMicros)],
  ["Node us/Pod", ({ perPod }) => figure(perPod?.nodeCpuMicros)],
  ["requests/s", ({ requestsPerSecond }) => figure(requestsPerSecond)],
  ["p50", ({ requestP50Ms }) => figure(requestP50Ms, " ms")],
  ["p99", ({ requestP99Ms }) => figure(requestP99Ms, " ms")],
  ["bytes/Job kept", ({ redisBytesPerJob }) => figure(redisBytesPerJob)],
  ["list all", ({ listAllMs }) => figure(listAllMs, " ms")],
  ["watch from all", ({ watchAllMs }) => figure(watchAllMs, " ms")],
  ["events/s", ({ eventsPerSecond }) => figure(eventsPerSecond)],
  ["idle", idle],
];

function idle(row: RowResult): string {
  if (row.redisCommandsPerSecond === undefined) return "";
  return `${row.redisCommandsPerSecond} commands/s, Node ${row.nodeCpuPercent} %, Redis ${row.redisCpuPercent} %`;
}

/** Markdown; columns that are empty in every row are left out. */
export const table = (results: readonly RowResult[]): string => {
  const used = columns.filter(([, text]) => results.some((row) => text(row) !== ""));
  const lines = [
    used.map(([title]) => title),
    ...results.map((row) => used.map(([, text]) => text(row))),
  ];
  const widths = used.map((_, n) => Math.max(...lines.map((line) => line[n]?.length ?? 0)));
  const shown = lines.map(
    (line) =>
      `| ${line.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join(" | ")} |`,
  );
  const rule = `|${widths.map((width, n) => (n === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [shown[0], rule, ...shown.slice(1)].join("\n");
};
