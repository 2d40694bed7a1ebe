// `gantry describe`: what there is to know about an object, for people, with its Events.
import type { WireNode, WirePod } from "@gantry/core";
import type { ApiObject, Event, Gantry, Job, Pod, Served } from "@gantry/sdk";
import { stringify } from "yaml";
import { type ClientOptions, connectClient } from "../client.ts";
import { humanDuration } from "../duration.ts";
import { KINDS, kindNamed, parseTargets } from "../kinds.ts";
import { costOutline, isOnEcs } from "../output/cost-outline.ts";
import { jobOutline } from "../output/describe-job.ts";
import { podOutline } from "../output/describe-pod.ts";
import { formatOutline, type Outline } from "../output/outline.ts";
import { formatTable } from "../output/table.ts";
import { UsageError } from "../usage-error.ts";

const ECS = "ecs";

export interface DescribeOptions extends ClientOptions {
  readonly selector?: string;
}

export async function describe(words: readonly string[], options: DescribeOptions): Promise<void> {
  const client = connectClient(options);
  try {
    let described = 0;
    for (const { kind, name } of parseTargets(words)) {
      const resource = client.resource(kind);
      const objects =
        name === undefined
          ? (await resource.list({ labelSelector: options.selector })).items
          : [await resource.get(name)];
      for (const object of objects) {
        if (described++ > 0) console.log("\n");
        process.stdout.write(outlineText(object));
        process.stdout.write(await costText(client, object));
        process.stdout.write(await eventsText(client, object));
      }
    }
    if (described === 0)
      throw new UsageError(`no resources found in ${client.namespace} namespace`);
  } finally {
    client.close();
  }
}

function outlineText(object: Served<ApiObject>): string {
  if (object.kind === "Job") return formatOutline(jobOutline(object as Job, Date.now()));
  if (object.kind === "Pod") return formatOutline(podOutline(object as Pod));
  const { metadata, kind, apiVersion, ...rest } = object;
  const head: Outline = {
    Name: metadata.name,
    Namespace: metadata.namespace,
    Kind: `${kind} (${apiVersion})`,
  };
  return formatOutline(head) + stringify(rest, { lineWidth: 0 });
}

/** Of Jobs and Pods on ECS only; one that has ended still shows what it cost. */
async function costText(client: Gantry, object: Served<ApiObject>): Promise<string> {
  const isJob = object.kind === "Job";
  if (!isJob && object.kind !== "Pod") return "";
  const template = isJob ? (object as Job).spec?.template : (object as Pod);
  const spec = template?.spec ?? {};
  const runtime = spec.runtimeClassName ?? ECS;
  if (runtime !== ECS) return "";
  const nodes = (await client.resource(kindNamed("nodes")).list()).items as WireNode[];
  if (!isOnEcs(spec, nodes)) return "";
  const pods = isJob ? await podsOf(client, object) : [object as WirePod];
  const pod = {
    namespace: object.metadata.namespace ?? "",
    annotations: template?.metadata?.annotations ?? {},
    spec,
  };
  const outline = costOutline(pod, pods, nodes, Date.now());
  return outline === undefined ? "" : formatOutline({ "Cost Estimate": outline });
}

async function podsOf(client: Gantry, { metadata }: Served<ApiObject>): Promise<WirePod[]> {
  const { items } = await client.resource(kindNamed("pods")).list({
    namespace: metadata.namespace,
    labelSelector: `batch.kubernetes.io/controller-uid=${metadata.uid}`,
  });
  return items as WirePod[];
}

async function eventsText(client: Gantry, object: Served<ApiObject>): Promise<string> {
  const events = client.resource(KINDS.find(({ kind }) => kind === "Event") ?? kindNamed("events"));
  const { items } = await events.list({
    namespace: object.metadata.namespace,
    fieldSelector: `involvedObject.uid=${object.metadata.uid}`,
  });
  if (items.length === 0) return "Events:  <none>\n";
  const now = Date.now();
  const rows = (items as Event[])
    .toSorted((a, b) => timeOf(a) - timeOf(b))
    .map((event) => ({
      cells: [
        event.type,
        event.reason,
        ageText(event, now),
        event.source?.component,
        event.message?.trim(),
      ],
    }));
  const columnDefinitions = ["Type", "Reason", "Age", "From", "Message"].map((name) => ({ name }));
  const style = { wide: true, namespaces: false, headers: true, prefix: "" };
  return `Events:\n${formatTable({ columnDefinitions, rows }, style).replaceAll(/^(?=.)/gm, "  ")}`;
}

const timeOf = (event: Event): number =>
  Date.parse(event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? "") || 0;

function ageText(event: Event, now: number): string {
  const age = humanDuration(now - timeOf(event));
  const count = event.count ?? 1;
  if (count < 2) return age;
  const first = Date.parse(event.firstTimestamp ?? "") || timeOf(event);
  return `${age} (x${count} over ${humanDuration(now - first)})`;
}
