// What only an operator can mend, while workers run: Pods stay Pending and say why, what is shut is
// known to all, each Job that waits is told, and everything goes on once it is mended.
import { randomUUID } from "node:crypto";
import { readShutEcsLanes } from "@gantry/store";
import { afterEach, describe, expect, test } from "vitest";
import type { FakeEcs } from "../fake-ecs/fake-ecs.ts";
import { waitFor } from "../support/wait-for.ts";
import { EcsCell, shellPod } from "./ecs-cell.ts";

const EXECUTION = "arn:aws:iam::123456789012:role/execution";
const TASK_ROLE = "arn:aws:iam::123456789012:role/reports";

/** The first pause of what is shut is 15 s. */
const MENDED_MS = 60_000;

let cell: EcsCell | undefined;
afterEach(async () => {
  await cell?.close();
  cell = undefined;
});

const opened = async (...args: Parameters<typeof EcsCell.open>): Promise<EcsCell> => {
  cell = await EcsCell.open(...args);
  return cell;
};

interface Told {
  readonly involvedObject: { readonly kind: string; readonly name: string };
  readonly reason: string;
  readonly message: string;
  readonly type: string;
  readonly count: number;
}

/** Events of Jobs, by the Job's name. */
const toldJobs = async (gantry: EcsCell): Promise<ReadonlyMap<string, Told>> => {
  const { items } = await gantry.store.listAll("events");
  const all = items.map(({ value }) => value as unknown as Told);
  return new Map(
    all.flatMap((one) =>
      one.involvedObject.kind === "Job" ? [[one.involvedObject.name, one] as const] : [],
    ),
  );
};

const jobs = async (gantry: EcsCell, names: readonly string[]): Promise<string[]> => {
  const made = names.map((name) =>
    gantry.pods(name, 3, shellPod("exit 0"), { name, uid: randomUUID() }),
  );
  return (await Promise.all(made)).flat();
};

const notScheduled = (gantry: EcsCell, key: string, words: string): Promise<string> =>
  gantry.until("says why", key, ({ phase, conditions }) => {
    const found = conditions?.find(({ type }) => type === "PodScheduled");
    const says = found?.reason === "SchedulerError" && found.message?.includes(words) === true;
    return phase === "Pending" && says && found.message;
  });

interface Fault {
  readonly what: string;
  readonly breaks: (account: FakeEcs["account"]) => void;
  readonly mends: (account: FakeEcs["account"]) => void;
  /** Key of what is shut, and what is said. */
  readonly shut: string;
  readonly says: string;
}

const faults: readonly Fault[] = [
  {
    what: "the cluster is deleted",
    breaks: (account) => (account.clusters = []),
    mends: (account) => (account.clusters = ["default"]),
    shut: "fargate",
    says: "ClusterNotFoundException",
  },
  {
    what: "a subnet is deleted",
    breaks: (account) => (account.subnets = []),
    mends: (account) => (account.subnets = null),
    shut: "fargate",
    says: "does not exist",
  },
  {
    what: "the execution role may not be passed any more",
    breaks: (account) => (account.passableRoles = []),
    mends: (account) => (account.passableRoles = null),
    shut: "task definitions",
    says: `iam:PassRole on resource: ${EXECUTION}`,
  },
];

describe.each(faults)("$what", ({ breaks, mends, shut, says }) => {
  test("Pods wait and say so, each Job is told once, and all run when it is mended", async () => {
    const gantry = await opened();
    await gantry.worker("w1");
    breaks(gantry.fake.account);
    const names = ["first", "second"];
    const keys = await jobs(gantry, names);
    for (const key of keys) await notScheduled(gantry, key, says);
    const told = await waitFor("both Jobs to be told", async () => {
      const found = await toldJobs(gantry);
      return found.size === names.length ? found : undefined;
    });
    for (const name of names) {
      expect(told.get(name)).toMatchObject({ type: "Warning", reason: "EcsLaneShut", count: 1 });
      expect(told.get(name)?.message).toContain(says);
    }
    const lanes = await readShutEcsLanes(gantry.store);
    expect([...lanes.keys()]).toEqual([shut]);
    expect(lanes.get(shut)).toMatchObject({ class: "operator", circuit: true });
    mends(gantry.fake.account);
    for (const key of keys) expect((await gantry.ended(key, MENDED_MS)).phase).toBe("Succeeded");
    expect((await readShutEcsLanes(gantry.store)).size).toBe(0);
    expect(gantry.fake.journal.runs).toHaveLength(keys.length);
    await gantry.quiet();
  });
});

test("registrations that are refused keep no Pod waiting whose definition is registered", async () => {
  const gantry = await opened();
  await gantry.worker("w1");
  expect((await gantry.ended(await gantry.onePod("exit 0"))).phase).toBe("Succeeded");
  gantry.fake.account.passableRoles = [EXECUTION];
  gantry.fake.faults.script({ on: "RegisterTaskDefinition", fault: "accessDenied", times: 100 });
  const other = { restartPolicy: "Never", containers: [{ name: "main", image: "another" }] };
  const [waiting = ""] = await gantry.pods("waits", 1, other);
  await notScheduled(gantry, waiting, "RegisterTaskDefinition");
  expect((await gantry.ended(await gantry.onePod("exit 0"))).phase).toBe("Succeeded");
});

test("a Pod's own role that may not be passed is its Job's matter: the lane stays open", async () => {
  const gantry = await opened(
    { passableRoles: [EXECUTION] },
    { taskRoles: { "default/reports": TASK_ROLE } },
  );
  await gantry.worker("w1");
  const spec = shellPod("exit 0", { serviceAccountName: "reports" });
  const [key = ""] = await gantry.pods("p", 1, spec, { name: "reports", uid: randomUUID() });
  await notScheduled(gantry, key, `iam:PassRole on resource: ${TASK_ROLE}`);
  const told = await waitFor("its Job to be told", async () =>
    (await toldJobs(gantry)).get("reports"),
  );
  expect(told).toMatchObject({ type: "Warning", reason: "EcsLaunchRefused" });
  expect((await readShutEcsLanes(gantry.store)).size).toBe(0);
  expect((await gantry.ended(await gantry.onePod("exit 0"))).phase).toBe("Succeeded");
  gantry.fake.account.passableRoles = null;
  expect((await gantry.ended(key, MENDED_MS)).phase).toBe("Succeeded");
  await gantry.quiet();
});

test("a task that may not be stopped: its Pod and its Job say so, and it is tried again", async () => {
  const gantry = await opened();
  await gantry.worker("w1");
  const job = { name: "stays", uid: randomUUID() };
  const [key = ""] = await gantry.pods("p", 1, shellPod("sleep 60"), job);
  await gantry.until("running", key, ({ phase }) => phase === "Running");
  gantry.fake.faults.script({ on: "StopTask", fault: "accessDenied" });
  await gantry.delete(key);
  const told = await waitFor("its Job to be told", async () =>
    (await toldJobs(gantry)).get("stays"),
  );
  expect(told).toMatchObject({ type: "Warning", reason: "EcsStopRefused" });
  expect(told.message).toContain("AccessDenied");
  const { items } = await gantry.store.listAll("events");
  const reasons = items.map(({ value }) => (value as unknown as Told).reason);
  expect(reasons).toContain("FailedKillPod");
  await gantry.gone(key);
  await gantry.quiet();
});
