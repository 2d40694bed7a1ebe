// Which Jobs are told of what an operator has to mend, and how often.
import type { EventRecorder } from "@gantry/store";
import { beforeEach, expect, test } from "vitest";
import { JobNotices } from "./job-notices.ts";

const MINUTE_MS = 60_000;

let nowMs: number;
let told: string[];
let notices: JobNotices;
beforeEach(() => {
  nowMs = 0;
  told = [];
  const record: EventRecorder["record"] = (_component, { kind, name, uid }, { reason, message }) =>
    void told.push(`${kind} ${name} ${uid} ${reason}: ${message}`);
  notices = new JobNotices({ events: { record } as EventRecorder, now: () => nowMs });
});

const job = (name: string) => ({ namespace: "default", job: name, jobUid: `${name}-uid` });

test("each Job once, however many of its Pods wait, and again as long as it lasts", () => {
  for (let n = 0; n < 50; n++) {
    notices.tell(job("a"), "EcsLaneShut", "fargate", "denied");
    notices.tell(job("b"), "EcsLaneShut", "fargate", "denied");
    nowMs += 1_000;
  }
  expect(told).toEqual(["Job a a-uid EcsLaneShut: denied", "Job b b-uid EcsLaneShut: denied"]);
  nowMs = 5 * MINUTE_MS;
  notices.tell(job("a"), "EcsLaneShut", "fargate", "denied still");
  expect(told.slice(2)).toEqual(["Job a a-uid EcsLaneShut: denied still"]);
});

test("of each matter; other words for the same are none", () => {
  notices.tell(job("a"), "EcsLaneShut", "fargate", "denied, request 1");
  notices.tell(job("a"), "EcsLaneShut", "fargate", "denied, request 2");
  notices.tell(job("a"), "EcsLaneShut", "spot", "denied");
  notices.tell(job("a"), "EcsStopRefused", "", "denied");
  expect(told).toHaveLength(3);
});

test("a Pod without a Job has nobody to be told", () => {
  notices.tell({ namespace: "default" }, "EcsLaneShut", "fargate", "denied");
  expect(told).toEqual([]);
});
