// The metrics of the ecs runtime: what its workers have counted in the store, in Prometheus' text.
import {
  countEcsTasks,
  ecsLatencyBounds,
  readEcsCounters,
  readShutEcsLanes,
  type Store,
} from "@gantry/store";
import { escaped } from "./state-cache.ts";

interface Family {
  /** As the workers count it. */
  readonly counter: string;
  readonly name: string;
  readonly help: string;
  /** Name of the label, where there is one. */
  readonly label?: string;
}

const families: readonly Family[] = [
  { counter: "launches", name: "launches_total", help: "Tasks launched.", label: "lane" },
  {
    counter: "launch_refusals",
    name: "launch_refusals_total",
    help: "Calls of RunTask that started nothing, by what was the matter.",
    label: "class",
  },
  {
    counter: "throttles",
    name: "throttles_total",
    help: "Calls that ECS refused for their rate.",
    label: "bucket",
  },
  {
    counter: "capacity_waits",
    name: "capacity_waits_total",
    help: "Launches that had to wait for room or quota.",
    label: "class",
  },
  {
    counter: "ghosts_adopted",
    name: "ghosts_adopted_total",
    help: "Tasks taken up that ECS had said would not come.",
  },
  {
    counter: "ghosts_stopped",
    name: "ghosts_stopped_total",
    help: "Tasks stopped whose Pod had another by then.",
  },
  { counter: "orphans_seen", name: "orphans_seen_total", help: "Tasks found without a Pod." },
  { counter: "orphans_stopped", name: "orphans_stopped_total", help: "Of them, those stopped." },
  { counter: "stops", name: "stops_total", help: "Tasks that Gantry stopped." },
  {
    counter: "stops_resent",
    name: "stops_resent_total",
    help: "Stops sent again since the task had not stopped in time.",
  },
  { counter: "events", name: "events_total", help: "Task events received.", label: "outcome" },
  { counter: "polls", name: "polls_total", help: "Calls of DescribeTasks made to look at tasks." },
  { counter: "polled_tasks", name: "polled_tasks_total", help: "Tasks looked at by them." },
  {
    counter: "definitions_registered",
    name: "definitions_registered_total",
    help: "Task definitions registered.",
  },
  {
    counter: "definitions_removed",
    name: "definitions_removed_total",
    help: "Unused task definitions removed.",
  },
];

const head = (name: string, help: string, type: string): string =>
  `# HELP gantry_ecs_${name} ${help}\n# TYPE gantry_ecs_${name} ${type}\n`;

const counted = (counts: ReadonlyMap<string, number>, family: Family): string => {
  const start = `${family.counter}|`;
  const lines = [...counts].flatMap(([field, count]) => {
    if (!field.startsWith(start)) return [];
    const value = field.slice(start.length);
    const labels = family.label === undefined ? "" : `{${family.label}="${escaped(value)}"}`;
    return [`gantry_ecs_${family.name}${labels} ${count}\n`];
  });
  return lines.length === 0 ? "" : head(family.name, family.help, "counter") + lines.join("");
};

const PHASES = ["queue", "run_task", "provision", "pull", "start"] as const;

const latencies = (counts: ReadonlyMap<string, number>): string => {
  const name = "launch_phase_seconds";
  const lines = PHASES.flatMap((phase) => {
    let sum = 0;
    const buckets = [...ecsLatencyBounds, "+Inf"].map((bound) => {
      sum += counts.get(`latency|${phase}|${bound}`) ?? 0;
      return `gantry_ecs_${name}_bucket{phase="${phase}",le="${bound}"} ${sum}\n`;
    });
    if (sum === 0) return [];
    const seconds = (counts.get(`latency_ms|${phase}`) ?? 0) / 1000;
    return [
      ...buckets,
      `gantry_ecs_${name}_sum{phase="${phase}"} ${seconds}\n`,
      `gantry_ecs_${name}_count{phase="${phase}"} ${sum}\n`,
    ];
  });
  if (lines.length === 0) return "";
  return head(name, "How long each phase of a launch took.", "histogram") + lines.join("");
};

/** Empty where no worker has ever offered the ecs runtime. */
export const ecsMetrics = async (store: Store): Promise<string> => {
  const [counts, shut, tasks] = await Promise.all([
    readEcsCounters(store),
    readShutEcsLanes(store),
    countEcsTasks(store),
  ]);
  if (counts.size === 0 && shut.size === 0 && tasks === 0) return "";
  const lanes = [...shut].map(
    ([lane, { class: cause }]) =>
      `gantry_ecs_lane_shut{lane="${escaped(lane)}",class="${escaped(cause)}"} 1\n`,
  );
  const lagMs = counts.get("event_lag_ms|");
  const lag = "event_lag_seconds_total";
  return [
    head("tasks", "Tasks that are looked after, launches under way included.", "gauge"),
    `gantry_ecs_tasks ${tasks}\n`,
    ...(lanes.length === 0 ? [] : [head("lane_shut", "Lanes that take no launches now.", "gauge")]),
    ...lanes,
    ...families.map((family) => counted(counts, family)),
    ...(lagMs === undefined
      ? []
      : [
          head(lag, "Sum of the times from a task's change to its event's arrival.", "counter"),
          `gantry_ecs_${lag} ${lagMs / 1000}\n`,
        ]),
    latencies(counts),
  ].join("");
};
