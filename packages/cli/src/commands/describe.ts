// `gantry describe`: what there is to know about an object, for people, with its Events.
import type { ApiObject, Event, Gantry, Job, Pod, Served } from "@gantry/sdk";
import { stringify } from "yaml";
import { type ClientOptions, connectClient } from "../client.ts";
import { humanDuration } from "../duration.ts";
import { KINDS, kindNamed, parseTargets } from "../kinds.ts";
import { jobOutline } from "../output/describe-job.ts";
import { podOutline } from "../output/describe-pod.ts";
import { formatOutline, type Outline } from "../output/outline.ts";
import { formatTable } from "../output/table.ts";
import { UsageError } from "../usage-error.ts";

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
