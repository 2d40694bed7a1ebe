import { describe, expect, test } from "vitest";
import { parseRfc3339 } from "../apimachinery/time.ts";
import type { Job } from "../schema/batch.ts";
import type { ContainerStatus } from "../schema/container-status.ts";
import type { Pod } from "../schema/pod.ts";
import { table, tableColumns, tableRow } from "./table.ts";
import type { TableObject } from "./table.ts";

const now = parseRfc3339("2024-01-01T12:00:00Z");
const created = "2024-01-01T11:59:00Z";
const metadata = { name: "x", creationTimestamp: created };

/** Cells by column name; also checks that there is one a column. */
function cells(kind: string, object: object): Record<string, unknown> {
  const row = tableRow(kind, object, now, "None");
  const columns = tableColumns(kind);
  expect(row.cells).toHaveLength(columns.length);
  return Object.fromEntries(columns.map(({ name }, i) => [name, row.cells[i]]));
}

describe("section 11: Jobs", () => {
  const condition = (...types: string[]) =>
    types.map((type) => ({ type, status: "True", lastTransitionTime: created }));

  test.each([
    [["FailureTarget", "Failed"], undefined, "Failed"],
    [["SuccessCriteriaMet", "Complete"], created, "Complete"],
    [["Suspended"], created, "Terminating"],
    [["Suspended"], undefined, "Suspended"],
    [["SuccessCriteriaMet", "FailureTarget"], undefined, "FailureTarget"],
    [["SuccessCriteriaMet"], undefined, "SuccessCriteriaMet"],
    [[], undefined, "Running"],
  ])("Status with %j, deleted %s: %s", (types, deletionTimestamp, status) => {
    const job: Job = {
      metadata: { ...metadata, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
      status: { conditions: condition(...types) },
    };
    expect(cells("Job", job)["Status"]).toBe(status);
  });

  test("a condition that is not true is none", () => {
    const conditions = [{ type: "Suspended", status: "False" }];
    expect(cells("Job", { metadata, status: { conditions } })["Status"]).toBe("Running");
  });

  test.each([
    [{ completions: 5, parallelism: 2 }, { succeeded: 3 }, "3/5"],
    [{ completions: 0 }, {}, "0/0"],
    [{ parallelism: 3 }, { succeeded: 1 }, "1/1 of 3"],
    [{ parallelism: 1 }, {}, "0/1"],
    [{ parallelism: 0 }, {}, "0/1"],
    [{}, { succeeded: 2 }, "2/1"],
  ])("Completions of %j %j: %s", (spec, status, text) => {
    expect(cells("Job", { metadata, spec, status })["Completions"]).toBe(text);
  });

  test.each([
    [{}, ""],
    [{ startTime: "2024-01-01T11:00:00Z" }, "60m"],
    [{ startTime: "2024-01-01T11:00:00Z", completionTime: "2024-01-01T11:02:05Z" }, "2m5s"],
  ])("Duration with %j: %s", (status, text) => {
    expect(cells("Job", { metadata, status })["Duration"]).toBe(text);
  });

  test("the wide columns", () => {
    const spec = {
      selector: { matchLabels: { b: "2", a: "1" } },
      template: {
        spec: {
          initContainers: [{ name: "i", image: "ii" }],
          containers: [
            { name: "c", image: "x:1" },
            { name: "d", image: "y" },
          ],
        },
      },
    };
    expect(cells("Job", { metadata, spec })).toMatchObject({
      Age: "60s",
      Containers: "c,d",
      Images: "x:1,y",
      Selector: "a=1,b=2",
    });
  });
});

describe("section 11: CronJobs", () => {
  test("suspended, with time zone, active Jobs and a last schedule", () => {
    const row = cells("CronJob", {
      metadata,
      spec: {
        schedule: "*/5 * * * *",
        timeZone: "Europe/Paris",
        suspend: true,
        jobTemplate: { spec: { template: { spec: { containers: [{ name: "c", image: "i" }] } } } },
      },
      status: { active: [{ name: "a" }, { name: "b" }], lastScheduleTime: "2024-01-01T11:55:00Z" },
    });
    expect(row).toEqual({
      Name: "x",
      Schedule: "*/5 * * * *",
      Timezone: "Europe/Paris",
      Suspend: "True",
      Active: 2,
      "Last Schedule": "5m",
      Age: "60s",
      Containers: "c",
      Images: "i",
      Selector: "<none>",
    });
  });

  test("what is not there", () => {
    expect(cells("CronJob", { metadata, spec: { suspend: false } })).toMatchObject({
      Timezone: "<none>",
      Suspend: "False",
      Active: 0,
      "Last Schedule": "<none>",
    });
  });
});

describe("section 11: Pods", () => {
  const ran = { state: { running: {} }, ready: true };
  const waiting = (reason?: string): ContainerStatus => ({ state: { waiting: { reason } } });
  const ended = (exitCode: number, reason?: string, signal?: number): ContainerStatus => ({
    state: { terminated: { exitCode, reason, signal } },
  });

  interface Given {
    readonly phase?: string;
    readonly reason?: string;
    readonly init?: readonly ContainerStatus[];
    readonly sidecars?: readonly string[];
    readonly containers?: readonly ContainerStatus[];
    readonly conditions?: NonNullable<Pod["status"]>["conditions"];
    readonly deleted?: boolean;
  }

  function pod(given: Given): Pod {
    const { init = [], containers = [], sidecars = [] } = given;
    const named = init.map((status, i) => ({ ...status, name: `i${i}` }));
    return {
      metadata: { ...metadata, ...(given.deleted === true ? { deletionTimestamp: created } : {}) },
      spec: {
        initContainers: named.map(({ name }) =>
          sidecars.includes(name) ? { name, restartPolicy: "Always" } : { name },
        ),
        containers: containers.map((_, i) => ({ name: `c${i}` })),
      },
      status: {
        phase: given.phase ?? "Running",
        reason: given.reason,
        conditions: given.conditions,
        initContainerStatuses: named,
        containerStatuses: [...containers],
      },
    };
  }
  const isTrue = (...types: string[]) => types.map((type) => ({ type, status: "True" }));

  test.each<[string, string, Given]>([
    ["0/0", "Pending", { phase: "Pending" }],
    ["0/0", "Evicted", { phase: "Failed", reason: "Evicted" }],
    ["1/1", "Running", { containers: [ran] }],
    ["0/1", "ContainerCreating", { phase: "Pending", containers: [waiting("ContainerCreating")] }],
    ["0/1", "Completed", { phase: "Succeeded", containers: [ended(0, "Completed")] }],
    ["0/1", "Error", { phase: "Failed", containers: [ended(1, "Error")] }],
    ["0/1", "OOMKilled", { phase: "Failed", containers: [ended(137, "OOMKilled")] }],
    ["0/1", "ExitCode:3", { phase: "Failed", containers: [ended(3)] }],
    ["0/1", "Signal:9", { phase: "Failed", containers: [ended(137, "", 9)] }],
    ["0/2", "A", { containers: [waiting("A"), waiting("B")] }],
    ["1/2", "NotReady", { containers: [ended(0, "Completed"), ran] }],
    ["1/2", "Running", { containers: [ended(0, "Completed"), ran], conditions: isTrue("Ready") }],
    ["0/2", "Error", { phase: "Failed", containers: [ended(0, "Completed"), ended(1, "Error")] }],
    [
      "0/1",
      "Init:0/2",
      { phase: "Pending", init: [waiting(), waiting()], containers: [waiting()] },
    ],
    ["0/0", "Init:1/2", { phase: "Pending", init: [ended(0), waiting("PodInitializing")] }],
    ["0/0", "Init:ErrImagePull", { phase: "Pending", init: [waiting("ErrImagePull")] }],
    ["0/0", "Init:Error", { phase: "Failed", init: [ended(1, "Error")] }],
    ["0/0", "Init:ExitCode:2", { phase: "Pending", init: [ended(2)] }],
    ["0/0", "Init:Signal:15", { phase: "Pending", init: [ended(143, "", 15)] }],
    ["2/2", "Running", { init: [{ ...ran, started: true }], sidecars: ["i0"], containers: [ran] }],
    [
      "0/2",
      "Init:0/1",
      { phase: "Pending", init: [waiting()], sidecars: ["i0"], containers: [waiting()] },
    ],
    [
      "1/1",
      "Init:0/1",
      { init: [waiting()], containers: [ran], conditions: isTrue("Initialized") },
    ],
    ["1/1", "Terminating", { containers: [ran], deleted: true }],
    [
      "0/1",
      "Completed",
      { phase: "Succeeded", containers: [ended(0, "Completed")], deleted: true },
    ],
    ["0/0", "Unknown", { reason: "NodeLost", deleted: true }],
    [
      "0/0",
      "SchedulingGated",
      {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }],
      },
    ],
  ])("Ready %s, Status %s", (ready, status, given) => {
    const row = cells("Pod", pod(given));
    expect([row["Ready"], row["Status"]]).toEqual([ready, status]);
  });

  test("Restarts: those of the containers and sidecars, and when the last was", () => {
    const restarted = (count: number, finishedAt?: string): ContainerStatus => ({
      ...ran,
      restartCount: count,
      ...(finishedAt === undefined ? {} : { lastState: { terminated: { finishedAt } } }),
    });
    const init = [
      { ...ended(0), restartCount: 7, lastState: { terminated: { finishedAt: created } } },
      { ...restarted(1, "2024-01-01T11:50:00Z"), started: true },
    ];
    const containers = [restarted(2, "2024-01-01T11:58:30Z"), restarted(0)];
    const given = { init, sidecars: ["i1"], containers };
    expect(cells("Pod", pod(given))["Restarts"]).toBe("3 (90s ago)");
    expect(cells("Pod", pod({ containers: [restarted(4)] }))["Restarts"]).toBe("4");
    expect(cells("Pod", pod({ init: [{ ...waiting(), restartCount: 5 }] }))["Restarts"]).toBe("5");
  });

  test("the wide columns", () => {
    const full: Pod = {
      metadata,
      spec: {
        nodeName: "w",
        readinessGates: [{ conditionType: "a" }, { conditionType: "b" }],
      },
      status: { podIPs: [{ ip: "10.0.0.1" }], nominatedNodeName: "v", conditions: isTrue("b") },
    };
    expect(cells("Pod", full)).toMatchObject({
      IP: "10.0.0.1",
      Node: "w",
      "Nominated Node": "v",
      "Readiness Gates": "1/2",
    });
    expect(cells("Pod", { metadata })).toMatchObject({
      IP: "<none>",
      Node: "<none>",
      "Nominated Node": "<none>",
      "Readiness Gates": "<none>",
    });
  });

  test("a Pod that is over marks its row", () => {
    const row = (phase: string) => {
      const ended: Pod = { metadata, status: { phase } };
      return tableRow("Pod", ended, now);
    };
    expect(row("Failed").conditions).toEqual([
      { type: "Completed", status: "True", reason: "Failed", message: "The pod failed." },
    ]);
    expect(Object.keys(row("Succeeded"))).toEqual(["cells", "conditions", "object"]);
    expect(Object.keys(row("Running"))).toEqual(["cells", "object"]);
  });
});

describe("other kinds", () => {
  test.each([
    ["Namespace", { metadata, status: { phase: "Active" } }, ["x", "Active", "60s"]],
    ["ConfigMap", { metadata, data: { a: "" }, binaryData: { b: "" } }, ["x", 2, "60s"]],
    ["Secret", { metadata, type: "Opaque", data: { a: "" } }, ["x", "Opaque", 1, "60s"]],
    ["ServiceAccount", { metadata }, ["x", "60s"]],
    ["Lease", { metadata, spec: { holderIdentity: "w" } }, ["x", "w", "60s"]],
    ["Lease", { metadata: { name: "x" } }, ["x", "", "<unknown>"]],
    ["Widget", { metadata }, ["x", created]],
    [
      "Service",
      {
        metadata,
        spec: {
          type: "LoadBalancer",
          clusterIPs: ["10.0.0.1"],
          ports: [{ port: 80, nodePort: 3080, protocol: "TCP" }],
          selector: { b: "2", a: "1" },
        },
      },
      ["x", "LoadBalancer", "10.0.0.1", "<pending>", "80:3080/TCP", "60s", "a=1,b=2"],
    ],
  ])("%s", (kind, object, expected) => {
    expect(Object.values(cells(kind, object))).toEqual(expected);
  });

  test.each([
    [{}, "Unknown"],
    [{ status: { conditions: [{ type: "Ready", status: "True" }] } }, "Ready"],
    [{ status: { conditions: [{ type: "Ready", status: "Unknown" }] } }, "NotReady"],
    [
      {
        spec: { unschedulable: true },
        status: { conditions: [{ type: "Ready", status: "True" }] },
      },
      "Ready,SchedulingDisabled",
    ],
  ])("Node status of %j: %s", (node, status) => {
    expect(cells("Node", { metadata, ...node })["Status"]).toBe(status);
  });

  test("Node: roles and addresses", () => {
    const labels = {
      "node-role.kubernetes.io/worker": "",
      "kubernetes.io/role": "batch",
      "node-role.kubernetes.io/": "",
    };
    const status = {
      addresses: [{ type: "InternalIP", address: "10.0.0.9" }],
      nodeInfo: { kernelVersion: "6.1", architecture: "arm64", kubeletVersion: "v0.1.0" },
    };
    expect(cells("Node", { metadata: { ...metadata, labels }, status })).toMatchObject({
      Roles: "batch,worker",
      Version: "v0.1.0",
      "Internal-IP": "10.0.0.9",
      "External-IP": "<none>",
      "OS-Image": "<unknown>",
      "Kernel-Version": "6.1 (arm64)",
      "Container-Runtime": "<unknown>",
    });
  });

  test("Event: counted, of the newer API, and a series", () => {
    const event = {
      metadata,
      involvedObject: { kind: "Job", name: "pi", fieldPath: "spec" },
      type: "Normal",
      reason: "SuccessfulCreate",
      message: " Created pod: a \n",
      source: { component: "job-controller" },
      firstTimestamp: "2024-01-01T11:58:00Z",
      lastTimestamp: "2024-01-01T11:59:30Z",
      count: 3,
      eventTime: null,
    };
    expect(cells("Event", event)).toEqual({
      "Last Seen": "30s",
      Type: "Normal",
      Reason: "SuccessfulCreate",
      Object: "job/pi",
      Subobject: "spec",
      Source: "job-controller",
      Message: "Created pod: a",
      "First Seen": "2m",
      Count: 3,
      Name: "x",
    });
    const newer = {
      metadata,
      eventTime: "2024-01-01T11:59:00.000000Z",
      involvedObject: { kind: "Node" },
      reportingComponent: "worker",
      reportingInstance: "w-1",
    };
    expect(cells("Event", newer)).toMatchObject({
      "Last Seen": "60s",
      "First Seen": "60s",
      Object: "node",
      Source: "worker, w-1",
      Count: 1,
    });
    const series = { count: 9, lastObservedTime: "2024-01-01T11:59:50.000000Z" };
    expect(cells("Event", { ...newer, series })).toMatchObject({ "Last Seen": "10s", Count: 9 });
  });
});

describe("the Table", () => {
  const object: TableObject = { kind: "Job", apiVersion: "batch/v1", metadata };

  test("as a list of partial metadata", () => {
    const list = table("Job", [object], now, { metadata: { resourceVersion: "9" } });
    expect(Object.keys(list)).toEqual([
      "kind",
      "apiVersion",
      "metadata",
      "columnDefinitions",
      "rows",
    ]);
    expect(list.rows[0]?.object).toEqual({
      kind: "PartialObjectMetadata",
      apiVersion: "meta.k8s.io/v1",
      metadata,
    });
  });

  test("includeObject None and Object; no columns later in a watch", () => {
    expect(tableRow("Job", object, now, "None").object).toBeNull();
    expect(tableRow("Job", object, now, "Object").object).toBe(object);
    const later = table("Job", [object], now, { metadata: {}, withoutColumns: true });
    expect(later.columnDefinitions).toBeNull();
  });
});
