// A failover in the middle of Jobs. Replication is asynchronous, so the new primary may lack the last writes:
// those Jobs may be gone, or begin again from where it stands; no Job that is there stays stuck.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Gantry, type Job } from "@gantry/sdk";
import { ExpiredRevisionError, Store } from "@gantry/store";
import {
  startCluster,
  startSentinels,
  type Topology,
} from "@gantry/store/testing/redis-topologies";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freshDataDir, GantryProcess, runGantry, waitForFile } from "../support/gantry.ts";
import { processesWith } from "../support/processes.ts";
import { waitFor } from "../support/wait-for.ts";

const JOBS = 12;
const COMPLETIONS = 4;
/** Two passes of the resync, a Pod's stalled check and the Pods themselves. */
const SETTLED_MS = 120_000;

type Case = "in step" | "behind";

/** The usual run has one of each; `npm run test:topologies` has all. */
const all = process.env["GANTRY_TOPOLOGIES"] !== undefined;
const cases: Record<string, readonly Case[]> = {
  "a Cluster": all ? ["in step", "behind"] : ["in step"],
  Sentinels: all ? ["in step", "behind"] : ["behind"],
};

const topologies: Record<string, () => Promise<Topology>> = {
  "a Cluster": () => startCluster({ replicas: true, deadAfterMs: 2_000 }),
  Sentinels: () => startSentinels({ deadAfterMs: 1_000 }),
};

describe.each(Object.entries(topologies))("on %s", (name, start) => {
  let topology: Topology;
  let parts: GantryProcess[];
  let dataDir: string;
  let directory: string;
  let client: Gantry;

  beforeEach(async () => {
    topology = await start();
    dataDir = await freshDataDir();
    directory = await mkdtemp(join(tmpdir(), "gantry-failover-"));
    const place = ["--data-dir", dataDir];
    const redis = ["--redis", topology.url];
    parts = [
      new GantryProcess(["api", ...redis, ...place, "--listen", "127.0.0.1:0"]),
      new GantryProcess(["scheduler", ...redis]),
      new GantryProcess(["worker", ...redis, ...place, "--concurrency", "8"]),
    ];
    const kubeconfig = join(dataDir, "kubeconfig");
    await waitForFile(kubeconfig);
    client = Gantry.fromKubeconfig(kubeconfig);
    await waitFor("the API to be ready", async () => (await client.ready()) || undefined);
  });
  afterEach(async () => {
    await Promise.all((parts ?? []).map((part) => part.stop()));
    await topology?.stop();
    for (const one of [dataDir, directory]) await rm(one, { recursive: true, force: true });
  });

  const has = (which: Case): boolean => cases[name]?.includes(which) === true;

  const job = (jobName: string) => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: jobName },
    spec: {
      completions: COMPLETIONS,
      parallelism: 2,
      completionMode: "Indexed",
      backoffLimit: 100,
      template: {
        spec: {
          restartPolicy: "Never",
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: "main",
              image: "busybox:1.36",
              command: ["sh", "-c", 'sleep 0.5; echo "$JOB $JOB_COMPLETION_INDEX" >> $JOURNAL'],
              env: [
                { name: "JOURNAL", value: join(directory, "journal") },
                { name: "JOB", value: jobName },
              ],
            },
          ],
        },
      },
    },
  });

  const ended = (found: Job): string | undefined =>
    found.status?.conditions?.find(
      ({ type, status }) => status === "True" && (type === "Complete" || type === "Failed"),
    )?.type;

  const submit = async (jobName: string): Promise<boolean> =>
    client.jobs.submit(job(jobName) as never, { idempotencyKey: jobName }).then(
      () => true,
      () => false,
    );

  /** Every Job that is there ends well, nothing is left over, and Gantry finds itself well. */
  const settles = async (): Promise<Set<string>> => {
    const done = await waitFor(
      "every Job to end",
      async () => {
        const { items } = await client.jobs.list();
        return items.length > 0 && items.every((one) => ended(one) !== undefined)
          ? items
          : undefined;
      },
      SETTLED_MS,
    );
    expect(done.map((one) => [one.metadata.name, ended(one)])).toEqual(
      done.map((one) => [one.metadata.name, "Complete"]),
    );
    const journal = new Set((await readFile(join(directory, "journal"), "utf8")).split("\n"));
    for (const { metadata, status } of done) {
      expect(status?.succeeded).toBe(COMPLETIONS);
      for (let n = 0; n < COMPLETIONS; n++) expect(journal).toContain(`${metadata.name} ${n}`);
    }
    await waitFor("no process of a Pod to be left", async () =>
      (await processesWith(join(directory, "journal"))).size === 0 ? true : undefined,
    );
    const { stdout } = await runGantry(["doctor", "--redis", topology.url, "--data-dir", dataDir]);
    for (const line of ["jobs: 0 of", "pods: 0 of", "timers: 0 of"]) {
      expect(stdout).toContain(`ok    ${line}`);
    }
    return new Set(done.map((one) => one.metadata.name));
  };

  const inStep = async (): Promise<void> => {
    const accepted: string[] = [];
    for (let n = 0; n < JOBS; n++) {
      if (await submit(`before-${n}`)) accepted.push(`before-${n}`);
    }
    expect(accepted).toHaveLength(JOBS);
    const owner = await topology.ownerOf("{gantry}:rv");
    await waitFor("some Pods to have run", async () =>
      (await readFile(join(directory, "journal"), "utf8").catch(() => "")).length > 0
        ? true
        : undefined,
    );
    expect(await owner.client.wait(1, 5_000)).toBe(1);
    await owner.kill();
    const killedAtMs = performance.now();
    await waitFor("a Job to be taken again", async () =>
      (await submit("after")) ? true : undefined,
    );
    const seconds = ((performance.now() - killedAtMs) / 1_000).toFixed(1);
    console.log(`${name}: Jobs were taken again ${seconds} s after the primary died`);
    const found = await settles();
    // What was written between WAIT and the kill may be lost, no Job among it.
    for (const one of [...accepted, "after"]) expect(found).toContain(one);
  };

  const behind = async (): Promise<void> => {
    for (let n = 0; n < JOBS; n++) await submit(`before-${n}`);
    const owner = await topology.ownerOf("{gantry}:rv");
    const id = /master_replid:(\w+)/.exec(await owner.client.info("replication"))?.[1];
    const replicas = await Promise.all(
      topology.nodes.map(async (node) => {
        const info = node === owner ? "" : await node.client.info("replication");
        return info.includes(`master_replid:${id ?? ""}`) ? [node] : [];
      }),
    );
    const [replica] = replicas.flat();
    if (replica === undefined) throw new Error("the primary has no replica");
    expect(await owner.client.wait(1, 5_000)).toBe(1);
    // Frozen and cut off: what is written now can't reach it, not even by the buffers of a socket.
    replica.freeze();
    await owner.client.call("CLIENT", "KILL", "TYPE", "replica");
    // Pods are claimed, run and are counted, and Jobs are taken, of which the replica knows nothing.
    const lost: string[] = [];
    for (let n = 0; n < JOBS; n++) {
      if (await submit(`lost-${n}`)) lost.push(`lost-${n}`);
    }
    await waitFor("Pods of them to run", async () =>
      (await processesWith(join(directory, "journal"))).size > 0 ? true : undefined,
    );
    const store = new Store({ connection: { url: topology.url } });
    const watched = await store.revision();
    await owner.kill();
    replica.thaw();
    await waitFor("a Job to be taken again", async () =>
      (await submit("after")) ? true : undefined,
    );
    const found = await settles();
    for (let n = 0; n < JOBS; n++) expect(found).toContain(`before-${n}`);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.filter((one) => found.has(one))).toEqual([]);
    // A watch that saw them is told to list again.
    await expect(store.assertResumable("jobs", watched)).rejects.toThrow(ExpiredRevisionError);
    await store.close();
  };

  const timeout = 2 * SETTLED_MS;
  if (has("in step")) {
    test("the primary dies in step with its replica: no Job is lost", { timeout }, inStep);
  }
  if (has("behind")) {
    test(
      "the replica lacks the last writes: they are undone, nothing is stuck",
      { timeout },
      behind,
    );
  }
});
