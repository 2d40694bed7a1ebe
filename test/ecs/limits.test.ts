// What bounds launches: rates, quotas of vCPUs, lanes; and what is wrong from the start.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readEcsCounters } from "@gantry/store";
import { afterEach, describe, expect, test } from "vitest";
import { documentedRates } from "../fake-ecs/rates.ts";
import { waitFor } from "../support/wait-for.ts";
import { EcsCell, shellPod, unlimited } from "./ecs-cell.ts";

let cell: EcsCell | undefined;
afterEach(async () => {
  await cell?.close();
  cell = undefined;
});

const opened = async (...args: Parameters<typeof EcsCell.open>): Promise<EcsCell> => {
  cell = await EcsCell.open(...args);
  return cell;
};

const scheduled = (gantry: EcsCell, key: string, words: string): Promise<string> =>
  gantry.until("says why it waits", key, ({ conditions }) => {
    const found = conditions?.find(({ type }) => type === "PodScheduled");
    return found?.message?.includes(words) === true && found.message;
  });

describe("rates", () => {
  test("two workers together stay below the account's, and Pods say what they wait for", async () => {
    const rates = { ...unlimited, share: 1, fargateRunTask: { burst: 2, perSecond: 2 } };
    const gantry = await opened({ rates: documentedRates }, { rates });
    await Promise.all([gantry.worker("w1"), gantry.worker("w2")]);
    const startedAtMs = Date.now();
    const keys = await gantry.pods("many", 14, shellPod("exit 0"));
    await waitFor("a Pod to say so", async () => {
      const pods = await gantry.store.getMany("pods", keys);
      return pods.find((pod) =>
        pod?.value.conditions?.some(({ message }) =>
          message?.startsWith("waiting for RunTask rate"),
        ),
      );
    });
    for (const key of keys) expect((await gantry.ended(key)).phase).toBe("Succeeded");
    expect(Date.now() - startedAtMs).toBeGreaterThan(5_500);
    const outcomes = gantry.fake.journal.requests.map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === "ThrottlingException")).toEqual([]);
    await gantry.quiet();
  });

  test("when the account allows less than is thought, launches slow down and all take place", async () => {
    const gantry = await opened({
      rates: { ...documentedRates, fargateRunTask: { burst: 2, refillPerSecond: 4 } },
    });
    await gantry.worker("w1");
    const keys = await gantry.pods("many", 12, shellPod("exit 0"));
    for (const key of keys) expect((await gantry.ended(key)).phase).toBe("Succeeded");
    expect(gantry.fake.journal.runs).toHaveLength(12);
    await waitFor("launches and throttles to be counted", async () => {
      const found = await readEcsCounters(gantry.store);
      const throttled = [...found.keys()].some((field) => field.startsWith("throttles|"));
      return (throttled && found.get("launches|fargate") === 12) || undefined;
    });
  });
});

test("a quota of vCPUs is not overdrawn", async () => {
  const lanes = [{ name: "fargate", cluster: "default", launchType: "FARGATE", vcpuQuota: 0.5 }];
  const gantry = await opened({ quotas: { fargateVcpu: 0.5 } }, { lanes });
  await gantry.worker("w1");
  const file = join(gantry.directory, "go");
  const keys = await gantry.pods("p", 3, shellPod(`while [ ! -e ${file} ]; do sleep 0.05; done`));
  await waitFor("two to run", async () => {
    const pods = await gantry.store.getMany("pods", keys);
    return pods.filter((pod) => pod?.value.phase === "Running").length === 2 || undefined;
  });
  const pods = await gantry.store.getMany("pods", keys);
  const waiting = pods.find((pod) => pod?.value.phase === "Pending")?.key ?? "";
  expect(await scheduled(gantry, waiting, "vCPU")).toContain("0.5 vCPUs of its quota are in use");
  writeFileSync(file, "");
  for (const key of keys) expect((await gantry.ended(key)).phase).toBe("Succeeded");
  const launches = gantry.fake.journal.requests.filter(({ operation }) => operation === "RunTask");
  expect(launches).toHaveLength(3);
});

test("Spot first; where it has no room, on demand", async () => {
  const gantry = await opened(
    { quotas: { fargateVcpu: 100, fargateSpotVcpu: 100 } },
    {
      lanes: [
        { name: "spot", cluster: "default", capacityProvider: "FARGATE_SPOT" },
        { name: "on-demand", cluster: "default", capacityProvider: "FARGATE" },
      ],
      lanePolicy: { preferSpot: true, spotAttempts: 1 },
    },
  );
  await gantry.worker("w1");
  const first = await gantry.ended(await gantry.onePod("exit 0"));
  expect(first.meta?.annotations?.["gantry.dev/ecs-task"]).toContain('"lane":"spot"');
  gantry.fake.faults.script({
    on: "RunTask",
    fault: "capacity",
    match: "FARGATE_SPOT",
    times: 100,
  });
  const second = await gantry.ended(await gantry.onePod("exit 0"), 20_000);
  expect(second.meta?.annotations?.["gantry.dev/ecs-task"]).toContain('"lane":"on-demand"');
});

test("a Spot reclaim fails the Pod with DisruptionTarget, even on exit 0", async () => {
  const gantry = await opened(
    {},
    { lanes: [{ name: "spot", cluster: "default", capacityProvider: "FARGATE_SPOT" }] },
  );
  gantry.fake.faults.script({ on: "task", fault: "spot", ms: 300 });
  await gantry.worker("w1");
  const key = await gantry.onePod('trap "exit 0" TERM; while :; do sleep 0.05; done');
  const pod = await gantry.ended(key);
  expect(pod.phase).toBe("Failed");
  expect(pod.conditions).toContainEqual(
    expect.objectContaining({ type: "DisruptionTarget", reason: "SpotInterruption" }),
  );
});

describe("a worker does not start, and says what to fix", () => {
  test("with a cluster that is not there", async () => {
    const gantry = await opened();
    const lanes = [{ name: "fargate", cluster: "nowhere", launchType: "FARGATE" }];
    await expect(gantry.worker("w1", { lanes })).rejects.toThrow(
      /no cluster "nowhere" in us-east-1, which lane "fargate" names/,
    );
  });

  test("in another Region", async () => {
    const gantry = await opened();
    await expect(gantry.worker("w1", { region: "eu-west-1" })).rejects.toThrow(
      /DescribeClusters failed.*eu-west-1/,
    );
  });

  test("without credentials", async () => {
    const gantry = await opened();
    process.env["AWS_ACCESS_KEY_ID"] = "";
    process.env["AWS_EC2_METADATA_DISABLED"] = "true";
    try {
      await expect(gantry.worker("w1")).rejects.toThrow(/give AWS credentials/);
    } finally {
      delete process.env["AWS_EC2_METADATA_DISABLED"];
    }
  });

  test("with a queue that is not there", async () => {
    const gantry = await opened();
    const watch = { queueUrl: `${gantry.fake.endpoint}/123456789012/nowhere` };
    await expect(gantry.worker("w1", { watch })).rejects.toThrow(/watch\.queueUrl.*nowhere/);
  });
});
