// Defaults and validation against recorded answers of a real API server, where they are at hand.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { aggregateText, type FieldError, fieldErrorBody } from "../src/apimachinery/field-error.ts";
import { defaultCronJob } from "../src/defaults/cron-job.ts";
import { generateSelector } from "../src/defaults/generated-selector.ts";
import { defaultJob } from "../src/defaults/job.ts";
import { admitPod, defaultPod } from "../src/defaults/pod.ts";
import { type CronJob, job, type Job } from "../src/schema/batch.ts";
import type { Status } from "../src/schema/meta.ts";
import type { Pod } from "../src/schema/pod.ts";
import { validateCronJobCreate } from "../src/validation/cron-job.ts";
import {
  validateJobStatusTransition,
  validateJobStatusUpdate,
} from "../src/validation/job-status.ts";
import { validateJobCreate, validateJobUpdate } from "../src/validation/job.ts";
import { validatePodCreate, validatePodUpdate } from "../src/validation/pod.ts";

interface Exchange {
  readonly n: number;
  readonly label: string;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly contentType?: string;
    readonly body?: string;
  };
  readonly response: { readonly status: number; readonly body?: string };
}

const directory = new URL("../../../../shared/wire/", import.meta.url);
const file = new URL("exchanges-kubectl-1.32.jsonl", directory);
const protobufFile = new URL("exchanges-protobuf.jsonl", directory);
const absent = !existsSync(file) || !existsSync(protobufFile);
const reason = "recordings of a real API server are not beside this checkout";

const exchanges: Exchange[] = absent
  ? []
  : readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Exchange);

interface Target {
  readonly plural: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

function targetOf(url: string): Target | undefined {
  const [, plural, name, subresource] =
    /^\/(?:api\/v1|apis\/batch\/v1)\/namespaces\/[^/]+\/(jobs|cronjobs|pods)(?:\/([^/?]+))?(?:\/([^/?]+))?(?:\?|$)/.exec(
      url,
    ) ?? [];
  return plural === undefined ? undefined : { plural, name, subresource };
}

const withoutNulls = (_key: string, value: unknown): unknown =>
  value === null ? undefined : value;

/** JSON bodies only: protobuf and YAML are other packages' business. Not the streams of watches. */
function json(text: string | undefined): unknown {
  if (text?.startsWith("{") !== true || text.includes("}\n{")) return undefined;
  return JSON.parse(text, withoutNulls);
}

interface WatchEvent<T> {
  readonly type: string;
  readonly object: T;
}

/** The objects of a body, be it one, or the stream of a watch. */
function objects<T>(text: string | undefined): T[] {
  const one = json(text) as (T & Partial<WatchEvent<T>>) | undefined;
  if (one !== undefined) return [one.object ?? one];
  if (text?.includes("}\n{") !== true) return [];
  const lines = text.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => (JSON.parse(line, withoutNulls) as WatchEvent<T>).object);
}

const title = ({ n, label }: Exchange): string => `${n} ${label}`.slice(0, 90);

interface Answered<T> {
  readonly exchange: Exchange;
  readonly target: Target;
  readonly sent: T;
  readonly answer: T;
}

/** Requests of a method with JSON on both sides. */
function recorded<T>(methods: readonly string[], plural: string, status: number): Answered<T>[] {
  return exchanges.flatMap((exchange) => {
    const { request, response } = exchange;
    const target = targetOf(request.url);
    if (!methods.includes(request.method) || response.status !== status) return [];
    if (target?.plural !== plural) return [];
    const sent = json(request.body);
    const answer = json(response.body);
    if (sent === undefined || answer === undefined) return [];
    return [{ exchange, target, sent: sent as T, answer: answer as T }];
  });
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe.skipIf(absent)(`defaults as recorded (skipped where ${reason})`, () => {
  const jobs = recorded<Job>(["POST"], "jobs", 201);
  const cronJobs = recorded<CronJob>(["POST"], "cronjobs", 201);

  test("there are creations to compare with", () => {
    expect(jobs.length).toBeGreaterThanOrEqual(8);
    expect(cronJobs.length).toBeGreaterThanOrEqual(1);
  });

  test.each(jobs.map((one) => [title(one.exchange), one] as const))("3, 4, 6: %s", (_, one) => {
    const { uid = "", name } = one.answer.metadata ?? {};
    const sent = job.parse({ ...one.sent, metadata: { ...one.sent.metadata, name } });
    const stored = defaultJob(generateSelector(defaultJob(sent), uid));
    expect(plain(stored.spec)).toEqual(plain(one.answer.spec));
    expect(stored.metadata.labels).toEqual(one.answer.metadata?.labels);
  });

  test.each(cronJobs.map((one) => [title(one.exchange), one] as const))("5: %s", (_, one) => {
    expect(plain(defaultCronJob(one.sent).spec)).toEqual(plain(one.answer.spec));
  });

  test("reading what was stored changes nothing", () => {
    for (const { answer } of jobs) expect(plain(defaultJob(answer))).toEqual(plain(answer));
    for (const { answer } of cronJobs) expect(plain(defaultCronJob(answer))).toEqual(plain(answer));
  });
});

function recordedPods(): readonly Pod[] {
  const pods = new Map<string, Pod>();
  for (const { request, response } of exchanges) {
    if (request.method !== "GET" || targetOf(request.url)?.plural !== "pods") continue;
    const body = json(response.body) as (Pod & { items?: Pod[] }) | undefined;
    const found =
      body?.kind === "PodList" ? (body.items ?? []) : body?.kind === "Pod" ? [body] : [];
    for (const pod of found) pods.set(pod.metadata?.uid ?? "", pod);
  }
  return [...pods.values()];
}

describe.skipIf(absent)(`Pods as recorded (skipped where ${reason})`, () => {
  test("6: a Pod of a Job is its template, defaulted and admitted", () => {
    const templates = new Map(
      recorded<Job>(["POST"], "jobs", 201).map(({ answer }) => [
        answer.metadata?.uid,
        answer.spec?.template,
      ]),
    );
    let compared = 0;
    for (const pod of recordedPods()) {
      const template = templates.get(pod.metadata?.labels?.["controller-uid"]);
      if (template === undefined) continue;
      const { serviceAccount, serviceAccountName, ...spec } =
        admitPod(defaultPod({ spec: template.spec })).spec ?? {};
      // The recorded server ran without the service account admission.
      expect([serviceAccount, serviceAccountName]).toEqual(["default", "default"]);
      const { nodeName: _, ...expected } = pod.spec ?? {};
      // What the Job controller itself adds to Pods of Indexed Jobs is not a default.
      if (template.spec?.restartPolicy === undefined || expected.hostname !== undefined) continue;
      expect(plain(spec)).toEqual(plain(expected));
      compared += 1;
    }
    expect(compared).toBeGreaterThan(0);
  });

  test("6: reading a stored Pod changes nothing, and it is valid", () => {
    for (const pod of recordedPods()) {
      expect(plain(defaultPod(pod))).toEqual(plain(pod));
      expect(validatePodCreate(defaultPod(pod))).toEqual([]);
      expect(validatePodUpdate(pod, pod)).toEqual([]);
    }
  });
});

/** The stored object just before an exchange, as the recordings last showed it. */
function storedBefore({ exchange, target }: Answered<unknown>): Job {
  const shown = exchanges
    .filter(({ n, response }) => n < exchange.n && response.status < 300)
    .flatMap(({ request, response }) => {
      if (targetOf(request.url)?.name !== target.name || request.url.includes("dryRun")) return [];
      const body = json(response.body) as Job | undefined;
      return body?.kind === "Job" ? [body] : [];
    });
  const last = shown.at(-1);
  if (last === undefined) throw new Error(`nothing stored before ${exchange.n}`);
  return last;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Enough of the two merge patches for what was recorded: containers are merged by name. */
function patched(value: unknown, patch: unknown, strategic: boolean): unknown {
  if (strategic && Array.isArray(value) && Array.isArray(patch) && value.every(isObject)) {
    const byName = (list: unknown[], name: unknown): unknown =>
      list.find((item) => isObject(item) && item["name"] === name);
    return value.map((item: unknown) =>
      isObject(item) ? patched(item, byName(patch, item["name"]) ?? {}, strategic) : item,
    );
  }
  if (!isObject(patch) || !isObject(value)) return patch;
  const result: Record<string, unknown> = { ...value };
  for (const [key, change] of Object.entries(patch)) {
    if (key.startsWith("$")) continue;
    if (change === null) delete result[key];
    else result[key] = patched(result[key], change, strategic);
  }
  return result;
}

function refused(answered: Answered<unknown>): { next: Job; old: Job } {
  const old = storedBefore(answered);
  const { method, body = "", contentType = "" } = answered.exchange.request;
  const raw = JSON.parse(body) as Record<string, unknown>;
  if (method === "PATCH") {
    const next = patched(old, raw, contentType.includes("strategic")) as Job;
    return { next: defaultJob(next), old };
  }
  const { uid, creationTimestamp, generation } = old.metadata ?? {};
  const sent = defaultJob(raw as Job);
  const metadata = { ...sent.metadata, uid, creationTimestamp, generation };
  return { next: { ...sent, metadata, status: old.status }, old };
}

/** The dump of a whole template is opaque (E5), and times are those of the recording. */
const opaque = (text: string): string =>
  text
    .replaceAll(/Invalid value: \{.*?\}(?=: field is immutable)/g, "Invalid value: {}")
    .replaceAll(/\d{4}-\d{2}-\d{2}T[\d:]{8}Z/g, "<time>");

function expectRefusal(kind: string, name: string, errors: readonly FieldError[], answer: Status) {
  const causes = errors.map((error) => ({
    reason: error.type,
    message: opaque(fieldErrorBody(error)),
    field: error.field,
  }));
  // Recorded causes of the spec come twice on updates (E3).
  const once = new Map(
    answer.details?.causes?.map((cause) => [
      JSON.stringify(cause),
      { ...cause, message: opaque(cause.message ?? "") },
    ]),
  );
  expect(causes).toEqual([...once.values()]);
  expect(opaque(`${kind} "${name}" is invalid: ${aggregateText(errors)}`)).toBe(
    opaque(answer.message ?? ""),
  );
}

describe.skipIf(absent)(`refusals as recorded (skipped where ${reason})`, () => {
  const creations = recorded<Job | Status>(["POST"], "jobs", 422);
  const updates = recorded<Job | Status>(["PUT", "PATCH"], "jobs", 422).filter(
    ({ answer, exchange }) =>
      // Patches that failed before there was an object to validate, and one that server-side
      // apply made by ownership of fields.
      "details" in answer &&
      answer.details?.kind === "Job" &&
      exchange.request.contentType !== "application/apply-patch+yaml",
  );

  test("there are refusals to compare with", () => {
    expect(creations.length).toBeGreaterThanOrEqual(3);
    expect(updates.length).toBeGreaterThanOrEqual(6);
  });

  test.each(creations.map((one) => [title(one.exchange), one] as const))("3: %s", (_, one) => {
    const sent = generateSelector(defaultJob(one.sent as Job), "some-uid");
    const withUid = {
      ...sent,
      metadata: { ...sent.metadata, namespace: "default", uid: "some-uid" },
    };
    const name = sent.metadata.name ?? "";
    expectRefusal("Job.batch", name, validateJobCreate(withUid), one.answer as Status);
  });

  test.each(updates.map((one) => [title(one.exchange), one] as const))("7, 8: %s", (_, one) => {
    const { next, old } = refused(one);
    const errors =
      one.target.subresource === "status"
        ? validateJobStatusUpdate(next, old)
        : validateJobUpdate(next, old);
    expectRefusal("Job.batch", old.metadata?.name ?? "", errors, one.answer as Status);
  });

  test("7: server-side apply that takes completions away", () => {
    const [one] = recorded<Job | Status>(["PATCH"], "jobs", 422).filter(
      ({ exchange, target }) =>
        exchange.request.contentType?.includes("apply") && target.name === "l1",
    );
    if (one === undefined) throw new Error("the refusal is not among the recordings");
    const old = storedBefore(one);
    const next = defaultJob({ ...old, spec: { ...old.spec, completions: undefined } });
    expectRefusal("Job.batch", "l1", validateJobUpdate(next, old), one.answer as Status);
  });

  test("what was accepted is valid", () => {
    for (const { answer } of recorded<Job>(["POST"], "jobs", 201)) {
      expect(validateJobCreate(answer)).toEqual([]);
      // A dry run's answer has no version.
      const stored = { ...answer, metadata: { resourceVersion: "1", ...answer.metadata } };
      expect(validateJobUpdate(stored, stored)).toEqual([]);
    }
    for (const { answer } of recorded<CronJob>(["POST"], "cronjobs", 201)) {
      expect(validateCronJobCreate(answer)).toEqual([]);
    }
  });

  test("8: every status that the real controller wrote follows from the one before", () => {
    const before = new Map<string, Job>();
    let followed = 0;
    for (const { request, response } of exchanges) {
      if (targetOf(request.url)?.plural !== "jobs" || request.url.includes("dryRun")) continue;
      if (response.status >= 300) continue;
      for (const next of objects<Job>(response.body)) {
        const uid = next.metadata?.uid ?? "";
        const old = before.get(uid);
        // Watches repeat what earlier answers showed already.
        const version = ({ metadata }: Job): number => Number(metadata?.resourceVersion);
        if (next.kind !== "Job" || (old !== undefined && version(next) <= version(old))) continue;
        if (old !== undefined) {
          expect(validateJobStatusTransition({ ...next, spec: old.spec }, old)).toEqual([]);
          followed += 1;
        }
        before.set(uid, next);
      }
    }
    expect(followed).toBeGreaterThan(20);
  });
});

/** The text of a refusal in protobuf: its strings stand in it as they are. */
function protobufRefusal(command: string): string {
  for (const line of readFileSync(protobufFile, "utf8").split("\n")) {
    if (!line.includes(command)) continue;
    const { response } = JSON.parse(line) as { response: { bodyBase64?: string } };
    return Buffer.from(response.bodyBase64 ?? "", "base64").toString("utf8");
  }
  throw new Error(`${command} is not among the recordings`);
}

describe.skipIf(absent)(`refusals of protobuf requests (skipped where ${reason})`, () => {
  const template = (name: string, restartPolicy: string) => ({
    spec: { restartPolicy, containers: [{ name, image: "x", command: ["y"] }] },
  });

  test("M1, 6: kubectl create job Bad_Name", () => {
    const metadata = { name: "Bad_Name", namespace: "default", uid: "some-uid" };
    const manifest = { metadata, spec: { template: template("Bad_Name", "Never") } };
    const sent = generateSelector(defaultJob(manifest), "some-uid");
    const text = aggregateText(validateJobCreate(sent));
    expect(protobufRefusal("Bad_Name")).toContain(`Job.batch "Bad_Name" is invalid: ${text}`);
  });

  test("5: kubectl create cronjob --schedule=nope", () => {
    const sent = defaultCronJob({
      metadata: { name: "badcron", namespace: "default" },
      spec: { schedule: "nope", jobTemplate: { spec: { template: template("c", "OnFailure") } } },
    });
    const text = aggregateText(validateCronJobCreate(sent));
    expect(text).not.toBe("");
    expect(protobufRefusal("badcron")).toContain(`CronJob.batch "badcron" is invalid: ${text}`);
  });
});
