// Says why a Pod or a Job failed, in a line or a few.
import { type Gantry, GantryError, type Job, outcomeText, type Pod } from "@gantry/sdk";

/** How much of the failed Pod's log is shown. */
const LAST_LINES = 10;

/** `exit code 3`, `StartError (exit code 128): exec: "nosuch": executable file not found in $PATH`. */
export function podFailureText(pod: Pod): string {
  const statuses = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
  ];
  const ended = statuses
    .map((status) => ({
      name: status.name,
      end: status.state?.terminated ?? status.lastState?.terminated,
    }))
    .find(({ end }) => end !== undefined && end.exitCode !== 0);
  const own = [pod.status?.reason, pod.status?.message].filter(Boolean).join(": ");
  if (ended?.end === undefined) return own || "no container says why";
  const { exitCode, reason, message, signal } = ended.end;
  const code = signal ? `signal ${signal}` : `exit code ${exitCode}`;
  const named = reason !== undefined && reason !== "Error" ? `${reason} (${code})` : code;
  const container = statuses.length > 1 ? `container ${ended.name}: ` : "";
  return [`${container}${named}`, message?.trim(), own].filter(Boolean).join(": ");
}

/** The Job's end, the Pod that failed last, and the end of its log. */
export async function jobFailureText(client: Gantry, job: Job): Promise<string> {
  const lines = [`Job ${job.metadata.name} ${lowerFirst(outcomeText(job))}`];
  const { items } = await client.pods.list({
    namespace: job.metadata.namespace,
    labelSelector: `batch.kubernetes.io/controller-uid=${job.metadata.uid}`,
  });
  const pod = items
    .filter((one) => one.status?.phase === "Failed")
    .toSorted(byEnd)
    .at(-1);
  if (pod === undefined) return lines.join("\n");
  lines.push(`Pod ${pod.metadata.name}: ${podFailureText(pod)}`);
  const log = await lastLines(client, pod);
  if (log.length > 0) lines.push("its last lines:", ...log.map((line) => `  ${line}`));
  return lines.join("\n");
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

const byEnd = (a: Pod, b: Pod): number => endOf(a).localeCompare(endOf(b));

/** RFC 3339 in UTC sorts as text. */
const endOf = (pod: Pod): string =>
  pod.status?.containerStatuses?.[0]?.state?.terminated?.finishedAt ??
  pod.metadata.creationTimestamp ??
  "";

async function lastLines(client: Gantry, pod: Pod): Promise<string[]> {
  const found: string[] = [];
  try {
    const { namespace, name } = pod.metadata;
    for await (const line of client.pods.logs(name, { namespace, tailLines: LAST_LINES })) {
      found.push(line);
    }
  } catch (error) {
    // A container that never started has no log.
    if (!(error instanceof GantryError)) throw error;
  }
  return found;
}
