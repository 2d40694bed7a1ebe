// Nodes with the real kubectl: capacity, cordon, drain, taints, and Pods that fit nowhere.
import { hostname } from "node:os";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gantryUp, type Installation, runProgram } from "../support/gantry.ts";
import { waitFor } from "../support/wait-for.ts";

const found = await runProgram("kubectl", ["version", "--client"]).then(
  ({ code }) => code === 0,
  () => false,
);

interface JobOptions {
  readonly completions?: number;
  readonly script?: string;
  readonly cpu?: string;
  readonly parallelism?: number;
}

describe.skipIf(!found)("nodes (skipped where kubectl is not on the PATH)", () => {
  let gantry: Installation;
  let node = "";
  beforeAll(async () => {
    gantry = await gantryUp(
      "--cpu",
      "10",
      "--memory",
      "4Gi",
      "--pods",
      "50",
      "--label",
      "pool=one",
    );
    node = (await kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")).trim();
  });
  afterAll(() => gantry.stop());

  const kubectl = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await gantry.kubectl(...args);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: exit ${code}: ${stderr}`);
    return stdout;
  };

  const submit = async (name: string, options: JobOptions): Promise<void> => {
    const { completions = 1, parallelism = completions, script = "exit 0", cpu = "0" } = options;
    const manifest = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name },
      spec: {
        completions,
        parallelism,
        backoffLimit: 4,
        template: {
          spec: {
            restartPolicy: "Never",
            terminationGracePeriodSeconds: 1,
            nodeSelector: { "kubernetes.io/hostname": node },
            containers: [
              {
                name: "c",
                image: "busybox",
                command: ["/bin/sh", "-c", script],
                resources: { requests: { cpu } },
              },
            ],
          },
        },
      },
    };
    const file = join(gantry.dataDir, `${name}.json`);
    await writeFile(file, JSON.stringify(manifest));
    await kubectl("create", "-f", file);
  };

  const podsOf = async (
    job: string,
  ): Promise<
    {
      status: { phase: string; conditions?: { type: string; message?: string; reason?: string }[] };
    }[]
  > => JSON.parse(await kubectl("get", "pods", "-l", `job-name=${job}`, "-o", "json")).items;

  const waitsWith = (job: string, message: string): Promise<boolean> =>
    waitFor(`the pod of ${job} to be unschedulable`, async () => {
      const [pod] = await podsOf(job);
      const condition = pod?.status.conditions?.find(({ type }) => type === "PodScheduled");
      if (condition?.message === message && condition.reason === "Unschedulable") return true;
      throw new Error(condition?.message ?? "no condition");
    });

  const complete = (job: string): Promise<string> =>
    kubectl("wait", "--for=condition=complete", `job/${job}`, "--timeout=60s");

  test("describe node shows capacity, labels and its Pods' requests", async () => {
    expect(node).toBe(
      hostname()
        .toLowerCase()
        .replaceAll(/[^a-z0-9.-]+/g, "-"),
    );
    const text = await kubectl("describe", "node", node);
    expect(text).toMatch(
      /Capacity:\n +cpu: +10\n +ephemeral-storage: +\d+Ki\n +memory: +4Gi\n +pods: +50/,
    );
    expect(text).toMatch(/pool=one/);
    expect(text).toMatch(/Unschedulable: +false/);
  });

  test("describe node and get leases show the worker's lease", async () => {
    const { stdout, stderr } = await gantry.kubectl("describe", "node", node);
    expect(stderr).toBe("");
    const [, holder, renewed = ""] =
      /Lease:\n +HolderIdentity: +(\S+)\n +AcquireTime: +<unset>\n +RenewTime: +(.+)\n/.exec(
        stdout,
      ) ?? [];
    expect(holder).toBe(node);
    expect(Math.abs(Date.now() - Date.parse(renewed))).toBeLessThan(60_000);
    expect(await kubectl("get", "leases", "-A", "--no-headers")).toMatch(
      new RegExp(`^kube-node-lease +${node} +${node} +`),
    );
  });

  test("J24: 90 Pods of a fifth of the node's cpu on the process runtime", async () => {
    await submit("j24", { completions: 90, cpu: "2" });
    await complete("j24");
    const pods = await podsOf("j24");
    expect(pods.filter(({ status }) => status.phase === "Succeeded")).toHaveLength(90);
  });

  test("a request larger than the node waits and says so; deleting it takes it away", async () => {
    await submit("huge", { cpu: "11" });
    await waitsWith("huge", "0/1 nodes are available: 1 Insufficient cpu.");
    await waitFor("the Event", async () =>
      /Warning +FailedScheduling .*default-scheduler +0\/1 nodes are available/.test(
        await kubectl("describe", "pods", "-l", "job-name=huge"),
      )
        ? true
        : undefined,
    );
    await kubectl("delete", "job", "huge");
  });

  test("cordon keeps Pods away, uncordon lets them in", async () => {
    expect(await kubectl("cordon", node)).toContain("cordoned");
    expect(await kubectl("get", "nodes")).toContain("Ready,SchedulingDisabled");
    // The worker hears of it within milliseconds of the answer; a Pod it took before just ends.
    for (let n = 0; ; n += 1) {
      await submit(`cordoned-${n}`, {});
      const refused = await waitFor("the pod to end or to wait", async () => {
        const [pod] = await podsOf(`cordoned-${n}`);
        if (pod?.status.phase === "Succeeded") return "ended";
        const message = "0/1 nodes are available: 1 node(s) were unschedulable.";
        return pod?.status.conditions?.some((each) => each.message === message)
          ? "waits"
          : undefined;
      });
      if (refused === "ended") continue;
      await kubectl("uncordon", node);
      await complete(`cordoned-${n}`);
      break;
    }
  });

  test("taint and untaint", async () => {
    await kubectl("taint", "node", node, "dedicated=batch:NoSchedule");
    await submit("tainted", { script: "sleep 0.1" });
    const state = await waitFor("the pod to wait, or to have been taken before", async () => {
      const [pod] = await podsOf("tainted");
      if (pod?.status.phase === "Succeeded") return "taken";
      const message =
        "0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: batch}.";
      return pod?.status.conditions?.some((each) => each.message === message) ? "waits" : undefined;
    });
    expect(state).toBe("waits");
    await kubectl("taint", "node", node, "dedicated-");
    await complete("tainted");
  });

  test("drain evicts the node's Pods; their replacements wait until it is uncordoned", async () => {
    await submit("drained", { completions: 2, script: "exec sleep 1000" });
    await waitFor("both to run", async () =>
      (await podsOf("drained")).filter(({ status }) => status.phase === "Running").length === 2
        ? true
        : undefined,
    );
    const output = await kubectl("drain", node, "--timeout=30s");
    expect(output).toContain("drained");
    expect(output.match(/evicting pod default\/drained-|pod\/drained-.* evicted/g)).not.toBeNull();
    await waitsWith("drained", "0/1 nodes are available: 1 node(s) were unschedulable.");
    await kubectl("uncordon", node);
    await waitFor("both to run again", async () =>
      (await podsOf("drained")).filter(({ status }) => status.phase === "Running").length === 2
        ? true
        : undefined,
    );
    await kubectl("delete", "job", "drained");
  });

  test("what users made of the Node outlives a restart of the worker", async () => {
    await kubectl("label", "node", node, "mine=yes");
    await kubectl("taint", "node", node, "keep=me:NoSchedule");
    await kubectl("cordon", node);
    await gantry.process.stop();
    await gantry.restart();
    const { metadata, spec } = JSON.parse(await kubectl("get", "node", node, "-o", "json"));
    expect(metadata.labels).toMatchObject({ mine: "yes", pool: "one" });
    expect(spec.unschedulable).toBe(true);
    expect(spec.taints).toContainEqual({ key: "keep", value: "me", effect: "NoSchedule" });
  });
});
