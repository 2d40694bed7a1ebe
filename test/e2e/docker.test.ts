// `gantry up --runtime docker` with a real engine: the seed's Job, and what Kubernetes' end-to-end
// tests of Jobs do to Pods on a node.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasCondition, type Job } from "@gantry/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import {
  BUSYBOX,
  canBePrivileged,
  importImage,
  noEngine,
  PAUSE,
  startEngine,
  type TestEngine,
} from "../support/dockerd.ts";
import { example, gantryUpWith, type Installation } from "../support/gantry.ts";
import { perlArchive } from "../support/perl-image.ts";
import { waitFor } from "../support/wait-for.ts";

type PodSpec = Record<string, unknown>;

const PERL_SETUP_MS = 180_000;

describe.skipIf(noEngine !== null)(`Jobs in containers (${noEngine ?? "a real engine"})`, () => {
  let engine: TestEngine;
  let gantry: Installation;
  let shared: string;
  beforeAll(async () => {
    engine = await startEngine();
    shared = await mkdtemp(join(tmpdir(), "gantry-e2e-"));
    gantry = await gantryUpWith(
      { DOCKER_HOST: `unix://${engine.socketPath}` },
      "--runtime",
      "docker",
      "--docker-network",
      "none",
      "--allow-host-path",
      shared,
      "--allow-privileged",
    );
  });
  afterAll(async () => {
    await gantry?.stop();
    await engine?.stop();
    await rm(shared, { recursive: true, force: true });
  });

  const submit = async (
    name: string,
    spec: Record<string, unknown>,
    pod: PodSpec,
  ): Promise<void> => {
    await gantry.client.jobs.submit({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name },
      spec: {
        ...spec,
        template: {
          metadata: { labels: { job: name } },
          spec: { restartPolicy: "Never", ...pod },
        },
      },
    } as never);
  };
  const container = (script: string, extra: Record<string, unknown> = {}) => ({
    name: "c",
    image: BUSYBOX,
    command: ["/bin/sh", "-c", script],
    volumeMounts: [{ name: "data", mountPath: "/data" }],
    securityContext: {},
    ...extra,
  });
  const emptyDir = { volumes: [{ name: "data", emptyDir: {} }] };
  const onNode = (directory: string): PodSpec => ({
    volumes: [
      { name: "data", hostPath: { path: join(shared, directory), type: "DirectoryOrCreate" } },
    ],
  });
  const privileged = { securityContext: { privileged: canBePrivileged } };
  const finished = async (name: string): Promise<Job> =>
    (await gantry.client.jobs.wait(name, { for: "finished", timeoutMs: 60_000 } as never)) as Job;
  const podsOf = async (name: string) =>
    (await gantry.client.pods.list({ labelSelector: `job=${name}` } as never)).items;
  const status = (job: Job): Record<string, number | undefined> =>
    job.status as unknown as Record<string, number | undefined>;

  test("the seed's manifest, word for word", { timeout: PERL_SETUP_MS }, async ({ skip }) => {
    const perl = await perlArchive();
    if ("reason" in perl) return skip(perl.reason);
    const job = parse(await readFile(example("seed/pi.yaml"), "utf8")) as {
      spec: { template: { spec: { containers: { image: string }[] } } };
    };
    const image = job.spec.template.spec.containers[0]?.image ?? "";
    await importImage(engine.docker, perl.path, image, 'CMD ["perl"]');
    await gantry.client.jobs.submit(job as never);
    expect(hasCondition(await finished("pi"), "Complete")).toBe(true);
    let output = "";
    for await (const { line } of gantry.client.jobs.logs("pi") as AsyncIterable<{ line: string }>) {
      output += line;
    }
    expect(output).toMatch(/^3\.14159265358979323846/);
    expect(output.trim()).toHaveLength(2001);
  });

  test("J2: failOnce on the node fails the Job early by its pod failure policy", async () => {
    const script = "if [[ -r /data/foo ]] ; then exit 0 ; else touch /data/foo ; exit 1 ; fi";
    const rule = { action: "FailJob", onExitCodes: { operator: "In", values: [1] } };
    const spec = {
      parallelism: 2,
      completions: 4,
      backoffLimit: 6,
      podFailurePolicy: { rules: [rule] },
    };
    await submit("fail-once", spec, {
      ...onNode("j2"),
      containers: [container(script, privileged)],
    });
    const job = await finished("fail-once");
    expect(hasCondition(job, "Failed")).toBe(true);
    expect(await readdir(join(shared, "j2"))).toEqual(["foo"]);
  });

  test("J4: evicted Pods are replaced and not counted; ready by exec probes", async () => {
    const marker = "/data/foo-$JOB_COMPLETION_INDEX";
    const script = `if [[ -r ${marker} ]] ; then exit 0 ; else touch ${marker} ; fi ; sleep 1000000`;
    const onPodConditions = [{ type: "DisruptionTarget", status: "True" }];
    await submit(
      "evicted",
      {
        completionMode: "Indexed",
        parallelism: 1,
        completions: 1,
        backoffLimit: 0,
        podFailurePolicy: {
          rules: [
            {
              action: "Ignore",
              onPodConditions,
            },
          ],
        },
      },
      {
        ...onNode("j4"),
        terminationGracePeriodSeconds: 1,
        containers: [
          container(script, {
            ...privileged,
            readinessProbe: {
              exec: { command: ["/bin/sh", "-c", `cat ${marker}`] },
              periodSeconds: 1,
            },
          }),
        ],
      },
    );
    await waitFor("it is ready", async () => {
      const job = (await gantry.client.jobs.get("evicted")) as Job;
      return status(job)["ready"] === 1 || undefined;
    });
    await Promise.all(
      (await podsOf("evicted")).map(async ({ metadata }) => {
        const { name, namespace } = metadata as { name: string; namespace: string };
        await gantry.client.connection.request({
          method: "POST",
          path: `/api/v1/namespaces/${namespace}/pods/${name}/eviction`,
          body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } },
        } as never);
      }),
    );
    const job = await finished("evicted");
    expect(hasCondition(job, "Complete")).toBe(true);
    expect(status(job)).toMatchObject({ succeeded: 1 });
    expect(status(job)["failed"] ?? 0).toBe(0);
  });

  test("J7: a Pod is replaced only once it has failed, 5 s after its SIGTERM", async () => {
    const script = "trap 'sleep 5; exit 143' TERM; touch /up; while :; do sleep 0.1; done";
    const readinessProbe = { exec: { command: ["test", "-e", "/up"] }, periodSeconds: 1 };
    await submit(
      "replaced",
      { parallelism: 1, completions: 1, backoffLimit: 1, podReplacementPolicy: "Failed" },
      { ...emptyDir, containers: [container(script, { readinessProbe })] },
    );
    const counts = async (): Promise<string> => {
      const {
        active = 0,
        failed = 0,
        terminating,
      } = status((await gantry.client.jobs.get("replaced")) as Job);
      return `active ${active}, failed ${failed}, terminating ${terminating}`;
    };
    const becomes = (text: string): Promise<unknown> =>
      waitFor(text, async () => (await counts()) === text || undefined);
    const ready = async () => {
      const job = (await gantry.client.jobs.get("replaced")) as Job;
      return status(job)["ready"] === 1 || undefined;
    };
    await waitFor("ready", ready);
    const [pod] = await podsOf("replaced");
    const startMs = Date.now();
    await gantry.client.pods.delete(pod?.metadata?.name ?? "", { gracePeriodSeconds: 30 } as never);
    await becomes("active 0, failed 0, terminating 1");
    await becomes("active 1, failed 1, terminating 0");
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(4900);
    await gantry.client.jobs.delete("replaced", { gracePeriodSeconds: 0 } as never);
  });

  test("J18: each Pod restarts its container once in place, on the same emptyDir", async () => {
    const script = "if [[ -r /data/foo ]] ; then exit 0 ; else touch /data/foo ; exit 1 ; fi";
    await submit(
      "restarted",
      { parallelism: 2, completions: 4, backoffLimit: 6 * 4 },
      { ...emptyDir, restartPolicy: "OnFailure", containers: [container(script)] },
    );
    expect(hasCondition(await finished("restarted"), "Complete")).toBe(true);
    const pods = await podsOf("restarted");
    expect(pods).toHaveLength(4);
    for (const pod of pods) {
      expect(pod.status).toMatchObject({
        phase: "Succeeded",
        containerStatuses: [{ restartCount: 1, lastState: { terminated: { exitCode: 1 } } }],
      });
    }
  });

  test("J6: images with an empty command: busybox succeeds; pause runs until the Job is suspended", async () => {
    await submit("defaults", { completions: 2 }, { containers: [{ name: "c", image: BUSYBOX }] });
    expect(hasCondition(await finished("defaults"), "Complete")).toBe(true);
    await submit(
      "paused",
      { parallelism: 2, completions: 4 },
      { containers: [{ name: "c", image: PAUSE }] },
    );
    const running = async () =>
      (await podsOf("paused")).filter(({ status: { phase } = {} }) => phase === "Running").length;
    await waitFor("two running", async () => (await running()) === 2 || undefined);
    await gantry.client.jobs.patch("paused", { spec: { suspend: true } } as never);
    await waitFor("none left", async () => (await podsOf("paused")).length === 0 || undefined);
  });

  test("an image that is nowhere: Pending with its reason, its Events, and no harm to others", async () => {
    await submit("nowhere", {}, { containers: [{ name: "c", image: "127.0.0.1:1/none:1" }] });
    const waiting = await waitFor("a reason", async () => {
      const [pod] = await podsOf("nowhere");
      const { waiting: state } =
        (pod?.status?.containerStatuses?.[0]?.state as { waiting?: { reason?: string } }) ?? {};
      return /^(ErrImagePull|ImagePullBackOff)$/.test(state?.reason ?? "") ? pod : undefined;
    });
    expect(waiting?.status?.phase).toBe("Pending");
    await gantry.client.jobs.delete("nowhere");
  });

  test("a worker killed with everything: what runs on is adopted, and ends once", async () => {
    const script = "echo begin; while [ ! -e /data/go ]; do sleep 0.05; done; echo end; exit 0";
    await submit(
      "adopted",
      { backoffLimit: 0 },
      { ...onNode("adopted"), containers: [container(script)] },
    );
    await waitFor(
      "running",
      async () => (await podsOf("adopted"))[0]?.status?.phase === "Running" || undefined,
    );
    await gantry.process.kill();
    await gantry.restart();
    await writeFile(join(shared, "adopted/go"), "");
    const job = await finished("adopted");
    expect(hasCondition(job, "Complete")).toBe(true);
    expect(status(job)).toMatchObject({ succeeded: 1 });
    expect(status(job)["failed"] ?? 0).toBe(0);
  });

  test("nothing is left in the engine once the Jobs are gone", async () => {
    for (const { metadata } of (await gantry.client.jobs.list()).items) {
      await gantry.client.jobs.delete(metadata?.name ?? "");
    }
    await waitFor("an empty engine", async () => {
      const containers = await engine.docker.listContainers({ all: true });
      return containers.length === 0 || undefined;
    });
    await waitFor("no directory of a Pod", async () =>
      (await readdir(join(gantry.dataDir, "docker/pods"))).length === 0 ? true : undefined,
    );
  });
});
