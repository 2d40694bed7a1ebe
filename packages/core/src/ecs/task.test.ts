// Tasks as the API, the wire and events write them.
import { expect, test } from "vitest";
import { taskFrom, taskId } from "./task.ts";

const AT = 1_800_000_000_500;
const fields = { taskArn: "arn:aws:ecs:r:1:task/jobs/abc", lastStatus: "RUNNING", version: 4 };

test.each([
  ["a client's Date", { getTime: () => AT }],
  ["an event's text", "2027-01-15T08:00:00.5Z"],
  ["the wire's seconds", AT / 1000],
])("times: %s", (_form, startedAt) => {
  expect(taskFrom({ ...fields, startedAt })?.startedAtMs).toBe(AT);
});

test.each([
  ["a date that is none", { getTime: () => Number.NaN }],
  ["words", "soon"],
  ["nothing", null],
])("times: %s is no time", (_form, startedAt) => {
  expect(taskFrom({ ...fields, startedAt })?.startedAtMs).toBeUndefined();
});

test("the owner is found in the overrides, the address in the attachments or containers", () => {
  const environment = [
    { name: "OTHER", value: "x" },
    { name: "GANTRY_POD_UID", value: "u-1" },
    { name: "GANTRY_ATTEMPT", value: "3" },
    { name: "GANTRY_POD", value: "ns/pod" },
  ];
  const overrides = { containerOverrides: [{ name: "init" }, { name: "main", environment }] };
  const networkInterfaces = [{ privateIpv4Address: "10.0.0.7" }];
  const task = taskFrom({
    ...fields,
    overrides,
    containers: [{ name: "main", networkInterfaces }],
  });
  expect(task?.owner).toEqual({ podUid: "u-1", attempt: 3, pod: "ns/pod", job: undefined });
  expect(task?.privateIp).toBe("10.0.0.7");
});

test("what is unknown is ignored, what is no task is none", () => {
  expect(taskFrom({ ...fields, brandNew: { a: 1 }, containers: "odd" })).toMatchObject({
    version: 4,
    desiredStatus: "RUNNING",
    containers: [],
  });
  for (const value of [null, undefined, 7, "x", {}, { taskArn: "" }]) {
    expect(taskFrom(value)).toBeUndefined();
  }
  expect(taskId(fields.taskArn)).toBe("abc");
});
