// The controllers' metrics against a real Redis: what they show is what happened, exactly.
import { EventRecorder, type Store, Templates, Txn } from "@gantry/store";
import { pino } from "pino";
import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { waitFor } from "@gantry/store/testing/wait-for";
import { schedulerMetrics } from "../src/metrics/scheduler-metrics.ts";
import { newIds } from "../src/new-ids.ts";
import { type Scheduler, type SchedulerOptions, startScheduler } from "../src/start-scheduler.ts";
import { syncByKey } from "../src/sync-by-key.ts";
import { jobSpec, MetricsCell } from "./metrics-cell.ts";

const log = pino({ level: "silent" });

let server: TestRedis;
let cell: MetricsCell;
let cells = 0;
let schedulers: Scheduler[];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  cells += 1;
  cell = new MetricsCell(server.url, `metrics${cells}`);
  schedulers = [];
});
afterEach(async () => {
  for (const scheduler of schedulers) await scheduler.close();
  await cell.close();
});

const start = async (more: Partial<SchedulerOptions> = {}): Promise<Scheduler> => {
  const scheduler = await startScheduler({
    redis: { url: server.url },
    cell: `metrics${cells}`,
    log,
    now: () => cell.nowMs,
    ...more,
  });
  schedulers.push(scheduler);
  return scheduler;
};

/** Samples by name and labels, as they stand in the text. */
const samplesOf = (text: string): Record<string, number> =>
  Object.fromEntries(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const space = line.lastIndexOf(" ");
        return [line.slice(0, space), Number(line.slice(space + 1))];
      }),
  );

/** Counters of the Job controller but for how often it looked. */
const outcomes = (samples: Record<string, number>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(samples).filter(
      ([name]) =>
        name.startsWith("job_controller_") &&
        !name.includes("sync") &&
        !name.startsWith("job_controller_stale"),
    ),
  );

describe("metrics of Jobs that ran through the scheduler", () => {
  test("count each outcome exactly once", async () => {
    const registry = new Registry();
    await start({ registry });

    await cell.createJob("plain", jobSpec({ completions: 2, parallelism: 2 }));
    await cell.endPod("plain", 0);
    await cell.endPod("plain", 0);
    expect(await cell.condition("plain", "Complete")).toBe("CompletionsReached");

    await cell.createJob("broken", jobSpec({ backoffLimit: 0 }));
    await cell.endPod("broken", 1);
    expect(await cell.condition("broken", "Failed")).toBe("BackoffLimitExceeded");

    const halves = { completionMode: "Indexed", completions: 2, parallelism: 2 };
    await cell.createJob("halves", jobSpec({ ...halves, backoffLimitPerIndex: 0 }));
    await cell.endPod("halves", 0, 0);
    await cell.endPod("halves", 1, 1);
    expect(await cell.condition("halves", "Failed")).toBe("FailedIndexes");

    const first = { ...halves, successPolicy: { rules: [{ succeededIndexes: "0-1" }] } };
    await cell.createJob("first", jobSpec(first));
    await cell.endPod("first", 0, 0);
    await cell.endPod("first", 0, 1);
    expect(await cell.condition("first", "Complete")).toBe("SuccessPolicy");

    const rule = (action: string, code: number) => ({
      action,
      onExitCodes: { operator: "In", values: [code] },
    });
    const policy = { podFailurePolicy: { rules: [rule("Ignore", 7), rule("FailJob", 42)] } };
    await cell.createJob("policy", jobSpec(policy));
    await cell.endPod("policy", 7);
    await cell.settled();
    cell.nowMs += 10_000;
    await cell.endPod("policy", 42);
    expect(await cell.condition("policy", "Failed")).toBe("PodFailurePolicy");

    await cell.createJob("again", jobSpec({}));
    await cell.endPod("again", 1);
    await cell.settled();
    cell.nowMs += 10_000;
    await cell.endPod("again", 0);
    expect(await cell.condition("again", "Complete")).toBe("CompletionsReached");

    await cell.createJob("replaced", jobSpec({ podReplacementPolicy: "Failed" }));
    await cell.endPod("replaced", 1);
    await cell.settled();
    cell.nowMs += 10_000;
    await cell.endPod("replaced", 0);
    expect(await cell.condition("replaced", "Complete")).toBe("CompletionsReached");

    await cell.createJob("elsewhere", jobSpec({ managedBy: "acme.io/controller" }));
    await cell.settled();
    // Wake-ups without a cause, after everything is said, count nothing.
    await cell.store.commit(new Txn().dirty("jobs|default/plain").dirty("jobs|default/elsewhere"));
    await cell.settled();

    const finished = "job_controller_jobs_finished_total";
    const pods = "job_controller_job_pods_finished_total";
    const indexes = "job_controller_job_finished_indexes_total";
    const policyActions = "job_controller_pod_failures_handled_by_failure_policy_total";
    const creations = "job_controller_job_pods_creation_total";
    const samples = samplesOf(await registry.metrics());
    expect(outcomes(samples)).toEqual({
      [`${finished}{completion_mode="NonIndexed",result="succeeded",reason="CompletionsReached"}`]: 3,
      [`${finished}{completion_mode="NonIndexed",result="failed",reason="BackoffLimitExceeded"}`]: 1,
      [`${finished}{completion_mode="NonIndexed",result="failed",reason="PodFailurePolicy"}`]: 1,
      [`${finished}{completion_mode="Indexed",result="failed",reason="FailedIndexes"}`]: 1,
      [`${finished}{completion_mode="Indexed",result="succeeded",reason="SuccessPolicy"}`]: 1,
      [`${pods}{completion_mode="NonIndexed",result="succeeded"}`]: 4,
      [`${pods}{completion_mode="NonIndexed",result="failed"}`]: 4,
      [`${pods}{completion_mode="Indexed",result="succeeded"}`]: 3,
      [`${pods}{completion_mode="Indexed",result="failed"}`]: 1,
      [`${indexes}{status="succeeded",backoffLimit="perIndex"}`]: 1,
      [`${indexes}{status="failed",backoffLimit="perIndex"}`]: 1,
      [`${indexes}{status="succeeded",backoffLimit="global"}`]: 2,
      [`${policyActions}{action="Ignore"}`]: 1,
      [`${policyActions}{action="FailJob"}`]: 1,
      // The one after an ignored failure is "new": nothing failed, as far as the Job counts.
      [`${creations}{reason="new",status="succeeded"}`]: 11,
      [`${creations}{reason="recreate_terminating_or_failed",status="succeeded"}`]: 1,
      [`${creations}{reason="recreate_failed",status="succeeded"}`]: 1,
      'job_controller_terminated_pods_tracking_finalizer_total{event="add"}': 13,
      'job_controller_terminated_pods_tracking_finalizer_total{event="delete"}': 13,
      'job_controller_jobs_by_external_controller_total{controller_name="acme.io/controller"}': 1,
    });

    const syncs = Object.entries(samples).filter(([name]) =>
      name.startsWith("job_controller_job_syncs_total{"),
    );
    expect(syncs.length).toBeGreaterThan(0);
    for (const [name, count] of syncs) {
      expect(name).toMatch(
        /\{completion_mode="(NonIndexed|Indexed)",result="success",action="(reconciling|tracking|pods_created|pods_deleted)"\}$/,
      );
      expect(samples[name.replace("syncs_total", "sync_duration_seconds_count")]).toBe(count);
    }
    expect(samples['workqueue_adds_total{name="job"}']).toBeGreaterThanOrEqual(16);
    expect(samples['workqueue_retries_total{name="job"}']).toBe(0);
    expect(samples['workqueue_depth{name="job"}']).toBe(0);
  });

  test("H10: time CronJobs' Jobs by their schedule, and the end of expired ones by their TTL", async () => {
    const registry = new Registry();
    await start({ registry });
    await cell.createCronJob("minutely", {
      schedule: "* * * * *",
      concurrencyPolicy: "Allow",
      suspend: false,
      jobTemplate: { spec: jobSpec({ ttlSecondsAfterFinished: 3 }) },
    });
    const minute = Date.UTC(2030, 0, 1, 12, 0) / 60_000;
    await cell.endPod(`minutely-${minute}`, 0);
    await cell.condition(`minutely-${minute}`, "Complete");
    const before = samplesOf(await registry.metrics());
    const skew = "cronjob_controller_job_creation_skew_duration_seconds";
    expect(before[`${skew}_count`]).toBe(1);
    expect(before[`${skew}_sum`]).toBe(5);
    expect(before[`${skew}_bucket{le="4"}`]).toBe(0);
    expect(before[`${skew}_bucket{le="8"}`]).toBe(1);
    expect(before[`${skew}_bucket{le="512"}`]).toBe(1);

    cell.nowMs += 10_000;
    const ttl = "ttl_after_finished_controller_job_deletion_duration_seconds";
    const after = await waitFor("the Job to expire", async () => {
      const samples = samplesOf(await registry.metrics());
      return samples[`${ttl}_count`] === 1 ? samples : undefined;
    });
    expect(after[`${ttl}_sum`]).toBe(7);
    expect(after[`${ttl}_bucket{le="819.2"}`]).toBe(1);
    await waitFor("the Job to be gone", async () =>
      (await cell.job(`minutely-${minute}`)) === undefined ? true : undefined,
    );
    const names = ["job", "job_orphan_pod", "cronjob", "ttl_jobs_to_delete"];
    // The last sync may still be returning when its work is seen.
    await waitFor("every addition to be worked on", async () => {
      const samples = samplesOf(await registry.metrics());
      const done = names.every((name) => {
        const added = samples[`workqueue_adds_total{name="${name}"}`] ?? 0;
        return (
          added > 0 && samples[`workqueue_work_duration_seconds_count{name="${name}"}`] === added
        );
      });
      return done ? true : undefined;
    });
  });
});

describe("a plan that does not become durable", () => {
  const controllers = async (commit: (store: Store) => Store["commit"]) => {
    await cell.store.open();
    const registry = new Registry();
    const now = (): number => cell.nowMs;
    const store = Object.create(cell.store) as Store;
    store.commit = commit(cell.store);
    const sync = syncByKey({
      store,
      queues: cell.queues,
      templates: new Templates(store),
      events: new EventRecorder(cell.store, now, log),
      log,
      now,
      newIds,
      hint: () => {},
      metrics: schedulerMetrics(registry, cell.store, now),
    });
    return { sync, samples: async () => samplesOf(await registry.metrics()) };
  };

  test("R29: counts as an error, and none of its Pods as created", async () => {
    let failures = 1;
    const { sync, samples } = await controllers((store) => async (txn) => {
      if (failures-- > 0) throw new Error("the connection is lost");
      return store.commit(txn);
    });
    await cell.createJob("once", jobSpec({ parallelism: 2, completions: 2 }));
    await expect(sync("jobs|default/once")).rejects.toThrow("the connection is lost");
    const creations = "job_controller_job_pods_creation_total";
    const labels = 'completion_mode="NonIndexed",result="error",action="pods_created"';
    expect(outcomes(await samples())).toEqual({
      [`${creations}{reason="new",status="failed"}`]: 2,
    });
    expect((await samples())[`job_controller_job_syncs_total{${labels}}`]).toBe(1);

    expect(await cell.pods("once")).toEqual([]);

    await sync("jobs|default/once");
    expect(await cell.pods("once")).toHaveLength(2);
    expect(outcomes(await samples())).toEqual({
      [`${creations}{reason="new",status="failed"}`]: 2,
      [`${creations}{reason="new",status="succeeded"}`]: 2,
    });
  });

  test("R6: counts as stale when it was refused, and what is made anew counts once", async () => {
    let refusals = 2;
    const { sync, samples } = await controllers((store) => async (txn) => {
      if (refusals-- > 0) return { ok: false, reason: "stale", at: 0 };
      return store.commit(txn);
    });
    await cell.createJob("none", jobSpec({ completions: 0 }));
    await sync("jobs|default/none");
    await sync("jobs|default/none");
    const labels = 'completion_mode="NonIndexed",result="success",action="tracking"';
    const found = await samples();
    expect(found['job_controller_stale_sync_skips_total{group="batch",resource="jobs"}']).toBe(2);
    expect(found[`job_controller_job_syncs_total{${labels}}`]).toBe(1);
    expect(outcomes(found)).toEqual({
      'job_controller_jobs_finished_total{completion_mode="NonIndexed",result="succeeded",reason="CompletionsReached"}': 1,
    });
  });
});

describe("the scheduler's own server", () => {
  const get = (port: number | null, path: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers });

  test("shows metrics to who has the token, and answers probes without", async () => {
    const { metricsPort } = await start({ metricsListen: { port: 0, token: "secret" } });
    expect((await get(metricsPort, "/healthz")).status).toBe(200);
    expect((await get(metricsPort, "/readyz")).status).toBe(200);
    expect((await get(metricsPort, "/elsewhere")).status).toBe(404);
    const refused = await get(metricsPort, "/metrics");
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    expect((await get(metricsPort, "/metrics", { authorization: "Bearer secre" })).status).toBe(
      401,
    );
    const shown = await get(metricsPort, "/metrics", { authorization: "Bearer secret" });
    expect(shown.status).toBe(200);
    expect(shown.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await shown.text();
    expect(text).toContain("# TYPE job_controller_job_sync_duration_seconds histogram");
    expect(text).toContain("# TYPE job_controller_jobs_finished_total counter");
    expect(text).toContain('workqueue_depth{name="job"} 0');
  });

  test("takes no other method", async () => {
    const { metricsPort } = await start({ metricsListen: { port: 0 } });
    const url = `http://127.0.0.1:${metricsPort}/metrics`;
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(url, { method: "HEAD" })).status).toBe(200);
    const refused = await fetch(url, { method: "POST", body: "x" });
    expect(refused.status).toBe(405);
    expect(refused.headers.get("allow")).toBe("GET, HEAD");
  });

  test("is not ready, and does not hang, while Redis is away", async () => {
    const own = await startRedis();
    try {
      const { metricsPort } = await start({
        redis: { url: own.url },
        metricsListen: { port: 0 },
      });
      expect((await get(metricsPort, "/readyz")).status).toBe(200);
      await own.kill();
      expect((await get(metricsPort, "/readyz")).status).toBe(503);
      expect((await get(metricsPort, "/healthz")).status).toBe(200);
      const text = await (await get(metricsPort, "/metrics")).text();
      expect(text).not.toContain("workqueue_depth{");
      expect(text).toContain('workqueue_adds_total{name="job"} 0');
      await own.restart();
      await waitFor("it to be ready again", async () =>
        (await get(metricsPort, "/readyz")).status === 200 ? true : undefined,
      );
    } finally {
      for (const scheduler of schedulers.splice(0)) await scheduler.close();
      await own.stop();
    }
  });

  test("a port that is taken fails the start, and leaves nothing running", async () => {
    const { metricsPort } = await start({ metricsListen: { port: 0 } });
    const port = metricsPort ?? 0;
    await expect(start({ metricsListen: { port } })).rejects.toThrow("EADDRINUSE");
    const clients = async (): Promise<number> =>
      ((await cell.store.redis.client("LIST")) as string).trim().split("\n").length;
    const connected = await clients();
    await expect(start({ metricsListen: { port } })).rejects.toThrow("EADDRINUSE");
    const closed = async (): Promise<true | undefined> =>
      (await clients()) <= connected ? true : undefined;
    await waitFor("its connections to be closed", closed, 5_000);
  });
});
