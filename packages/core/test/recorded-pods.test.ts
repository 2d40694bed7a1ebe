// renderPod and recordFromPod against Pods that a real API server served.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseRfc3339 } from "../src/apimachinery/time.ts";
import { recordFromPod } from "../src/pod-from-api.ts";
import type { PodRecord } from "../src/pod-record.ts";
import { renderPod } from "../src/pod-render.ts";
import type { Pod, PodTemplateSpec } from "../src/schema/pod.ts";

const recording = new URL("../../../../shared/wire/exchanges-kubectl-1.32.jsonl", import.meta.url);

interface Named {
  kind?: string;
  metadata?: { name?: string };
  items?: Named[];
}

/** The JSON objects of one exchange's answer. */
function bodiesOf(line: string): Named[] {
  const { body } = (JSON.parse(line) as { response: { body?: string | Named } }).response;
  if (typeof body !== "string") return body ? [body] : [];
  try {
    return [JSON.parse(body) as Named];
  } catch {
    return [];
  }
}

/** Served by the API only where clients ask for more than Gantry's node knows or this recording had. */
function comparable(pod: Pod): unknown {
  const { managedFields: _, resourceVersion: _version, ...metadata } = pod.metadata ?? {};
  const { serviceAccount: _account, serviceAccountName: _name, ...spec } = pod.spec ?? {};
  const { observedGeneration: _generation, ...status } = pod.status ?? {};
  const conditions = status.conditions?.map(({ lastProbeTime: _time, ...one }) => one);
  return { metadata, spec, status: { ...status, conditions } };
}

describe.skipIf(!existsSync(recording))(
  "as recorded (skipped where the recording is absent)",
  () => {
    const lines = existsSync(recording) ? readFileSync(recording, "utf8").split("\n") : [];
    const bodies = lines.flatMap((line) => (line === "" ? [] : bodiesOf(line)));

    const found = <T>(kind: string, name: string): T => {
      const one = bodies
        .flatMap((body) => (body.kind === `${kind}List` ? (body.items ?? []) : [body]))
        .findLast((body) => (body.kind ?? kind) === kind && body.metadata?.name?.startsWith(name));
      if (one === undefined) throw new Error(`no ${kind} ${name} in the recording`);
      return one as T;
    };

    it("R55, R62: a finished Pod of an Indexed Job with backoffLimitPerIndex", () => {
      const recorded = found<Pod>("Pod", "indexed-0-");
      const job = found<{ metadata: { uid: string }; spec: { template: PodTemplateSpec } }>(
        "Job",
        "indexed",
      );
      const atMs = parseRfc3339(recorded.metadata?.creationTimestamp ?? "");
      const container = recorded.status?.containerStatuses?.[0];
      const record: PodRecord = {
        namespace: "default",
        name: recorded.metadata?.name ?? "",
        uid: recorded.metadata?.uid ?? "",
        createdAtMs: atMs,
        job: { name: "indexed", uid: job.metadata.uid },
        template: "t",
        index: 0,
        failureCount: 0,
        tracked: false,
        phase: "Succeeded",
        node: "fake-0",
        scheduledAtMs: atMs,
        startedAtMs: atMs,
        ready: false,
        readyChangedAtMs: atMs,
        containers: [
          {
            state: "terminated",
            reason: "Completed",
            exitCode: 0,
            startedAtMs: atMs,
            finishedAtMs: atMs,
            restartCount: 0,
            ready: false,
            started: false,
            containerID: container?.containerID,
            imageID: container?.imageID,
          },
        ],
        podIP: recorded.status?.podIP,
        hostIP: recorded.status?.hostIP,
      };
      expect(comparable(renderPod(record, job.spec.template, "1"))).toEqual(comparable(recorded));
    });

    it("reads any recorded Pod and shows it again as it was", () => {
      for (const name of ["indexed-", "l2-"]) {
        const recorded = found<Pod>("Pod", name);
        const record = recordFromPod(recorded);
        const shown = renderPod(record, undefined, recorded.metadata?.resourceVersion ?? "");
        expect(comparable(shown)).toEqual(
          comparable({
            ...recorded,
            // Deletion is asked for by DELETE, never by what a client writes.
            metadata: {
              ...recorded.metadata,
              generation: 1,
              deletionTimestamp: undefined,
              deletionGracePeriodSeconds: undefined,
            },
          }),
        );
      }
    });
  },
);
