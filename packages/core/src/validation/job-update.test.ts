// Selector rules and updates of Jobs (job-spec 4, 7, 7.1; details E7).
import { describe, expect, test } from "vitest";
import { jobUid, lines, storedJob, templateSpec } from "../../test/manifests.ts";
import type { Job, JobSpec, JobStatus } from "../schema/batch.ts";
import type { ObjectMeta } from "../schema/meta.ts";
import type { PodSpec } from "../schema/pod.ts";
import { validateJobCreate, validateJobUpdate } from "./job.ts";

const uidLabel = "batch.kubernetes.io/controller-uid";
const labelsPath = "spec.template.metadata.labels";

const withSpec = (job: Job, spec: JobSpec): Job => ({ ...job, spec: { ...job.spec, ...spec } });

describe("4 generated selector", () => {
  const withLabels = (labels: ObjectMeta["labels"], selector = storedJob().spec?.selector): Job =>
    withSpec(storedJob(), {
      selector,
      template: { ...storedJob().spec?.template, metadata: { labels } },
    });
  const good = storedJob().spec?.template?.metadata?.labels ?? {};

  test("S2: a missing label", () => {
    const { "job-name": _, ...labels } = good;
    expect(lines(validateJobCreate(withLabels(labels)))).toEqual([
      `FieldValueRequired ${labelsPath}[job-name]: Required value: must be 'demo'`,
    ]);
  });

  test("S2: a wrong label", () => {
    const labels = { ...good, "controller-uid": "x" };
    expect(lines(validateJobCreate(withLabels(labels)))).toEqual([
      `FieldValueInvalid ${labelsPath}[controller-uid]: Invalid value: ` +
        `${JSON.stringify(labels)}: must be '${jobUid}'`,
    ]);
  });

  test("S2: a key of the user's own in the selector", () => {
    const labels = { ...good, app: "x" };
    const selector = { matchLabels: { [uidLabel]: jobUid, app: "x" } };
    expect(lines(validateJobCreate(withLabels(labels, selector)))).toEqual([
      `FieldValueInvalid spec.selector: Invalid value: ${JSON.stringify(selector)}: ` +
        "`selector` not auto-generated",
    ]);
  });

  test("S2: no uid", () => {
    const job = storedJob();
    const errors = lines(validateJobCreate({ ...job, metadata: { ...job.metadata, uid: "" } }));
    expect(errors[0]).toBe("FieldValueRequired metadata.uid: Required value");
  });

  const manual = (selector: JobSpec["selector"], labels: Record<string, string>): Job =>
    storedJob({
      manualSelector: true,
      selector,
      template: { metadata: { labels }, spec: templateSpec() },
    });

  test("S3: manualSelector generates nothing", () => {
    expect(lines(validateJobCreate(manual({ matchLabels: { app: "x" } }, { app: "x" })))).toEqual(
      [],
    );
    expect(lines(validateJobCreate(manual(undefined, { app: "x" })))).toEqual([
      "FieldValueRequired spec.selector: Required value",
      `FieldValueInvalid ${labelsPath}: Invalid value: {"app":"x"}: ` +
        "`selector` does not match template `labels`",
    ]);
  });

  test("S4: the selector must match, and be one", () => {
    expect(lines(validateJobCreate(manual({ matchLabels: { app: "y" } }, { app: "x" })))).toEqual([
      `FieldValueInvalid ${labelsPath}: Invalid value: {"app":"x"}: ` +
        "`selector` does not match template `labels`",
    ]);
    const matchExpressions = [
      { key: "app", operator: "In", values: [] },
      { key: "app", operator: "Near", values: ["x"] },
    ];
    expect(lines(validateJobCreate(manual({ matchExpressions }, { app: "x" })))).toEqual([
      "FieldValueRequired spec.selector.matchExpressions[0].values: Required value: " +
        "must be specified when `operator` is 'In' or 'NotIn'",
      'FieldValueInvalid spec.selector.matchExpressions[1].operator: Invalid value: "Near": ' +
        "not a valid selector operator",
    ]);
  });

  test("S5: a Job stored without prefixed labels may stay so", () => {
    const labels = { "job-name": "demo", "controller-uid": jobUid };
    const old = withLabels(labels, { matchLabels: { "controller-uid": jobUid } });
    expect(lines(validateJobUpdate(old, old))).toEqual([]);
    expect(lines(validateJobCreate(old))).toEqual([
      `FieldValueRequired ${labelsPath}[${uidLabel}]: Required value: must be '${jobUid}'`,
      `FieldValueRequired ${labelsPath}[batch.kubernetes.io/job-name]: Required ` +
        "value: must be 'demo'",
    ]);
  });
});

const indexed = { completionMode: "Indexed", completions: 3, parallelism: 2 };
const immutable = (field: string, value: unknown): string =>
  `FieldValueInvalid spec.${field}: Invalid value: ${JSON.stringify(value)}: field is immutable`;

describe("7 mutability", () => {
  type Case = readonly [string, old: JobSpec, change: JobSpec, errors: readonly string[]];
  const tandem = (value: number): string =>
    `FieldValueInvalid spec.completions: Invalid value: ${value}: ` +
    "can only be modified in tandem with spec.parallelism";
  const failurePolicy = { rules: [{ action: "Count", onPodConditions: [{ type: "X" }] }] };
  const goFailurePolicy = {
    Rules: [{ Action: "Count", OnExitCodes: null, OnPodConditions: [{ Type: "X", Status: "" }] }],
  };
  const cases: readonly Case[] = [
    ["parallelism", {}, { parallelism: 7 }, []],
    ["suspend", {}, { suspend: true }, []],
    [
      "deadlines, limits, ttl, replacement, manualSelector",
      { ...indexed, backoffLimitPerIndex: 1 },
      {
        activeDeadlineSeconds: 5,
        backoffLimit: 2,
        ttlSecondsAfterFinished: 9,
        maxFailedIndexes: 2,
        podReplacementPolicy: "Failed",
        manualSelector: true,
      },
      [],
    ],
    ["completions, NonIndexed", {}, { completions: 4 }, [immutable("completions", 4)]],
    [
      "completions removed, NonIndexed",
      { completions: 4 },
      { completions: undefined },
      [immutable("completions", null)],
    ],
    ["completions with parallelism, Indexed", indexed, { completions: 9, parallelism: 9 }, []],
    ["completions to 0 with parallelism", indexed, { completions: 0, parallelism: 0 }, []],
    ["completions alone, Indexed", indexed, { completions: 9 }, [tandem(9)]],
    ["completions to the parallelism there was", indexed, { completions: 2 }, []],
    [
      "completions removed, Indexed",
      indexed,
      { completions: undefined },
      ["FieldValueRequired spec.completions: Required value: when completion mode is Indexed"],
    ],
    [
      "completionMode",
      indexed,
      { completionMode: "NonIndexed" },
      [immutable("completionMode", "NonIndexed")],
    ],
    [
      "backoffLimitPerIndex set",
      indexed,
      { backoffLimitPerIndex: 1 },
      [immutable("backoffLimitPerIndex", 1)],
    ],
    [
      "backoffLimitPerIndex removed",
      { ...indexed, backoffLimitPerIndex: 1 },
      { backoffLimitPerIndex: undefined },
      [immutable("backoffLimitPerIndex", null)],
    ],
    [
      "managedBy",
      { managedBy: "a.b/c" },
      { managedBy: "a.b/d" },
      [immutable("managedBy", "a.b/d")],
    ],
    ["managedBy set", {}, { managedBy: "a.b/d" }, [immutable("managedBy", "a.b/d")]],
    [
      "podFailurePolicy removed",
      { podFailurePolicy: failurePolicy },
      { podFailurePolicy: undefined },
      [immutable("podFailurePolicy", null)],
    ],
    [
      "successPolicy set",
      indexed,
      { successPolicy: { rules: [{ succeededCount: 1 }] } },
      [
        immutable("successPolicy", {
          Rules: [{ SucceededIndexes: null, SucceededCount: 1 }],
        }),
      ],
    ],
    [
      "podFailurePolicy changed, with the value as Go names its fields",
      { podFailurePolicy: { rules: [] } },
      { podFailurePolicy: failurePolicy },
      [
        `FieldValueRequired spec.podFailurePolicy.rules[0].onPodConditions[0].status: ` +
          'Required value: valid values: ["False" "True" "Unknown"]',
        immutable("podFailurePolicy", goFailurePolicy),
      ],
    ],
  ];
  test.each(cases)("%s", (_, oldSpec, change, errors) => {
    const old = storedJob(oldSpec);
    expect(lines(validateJobUpdate(withSpec(old, change), old))).toEqual(errors);
  });

  test("selector", () => {
    const old = storedJob({
      manualSelector: true,
      selector: { matchLabels: { app: "x" } },
      template: { metadata: { labels: { app: "x", tier: "y" } }, spec: templateSpec() },
    });
    const selector = { matchLabels: { tier: "y" } };
    expect(lines(validateJobUpdate(withSpec(old, { selector }), old))).toEqual([
      immutable("selector", selector),
    ]);
  });

  test("E3: a rule of the spec is reported once", () => {
    const old = storedJob();
    expect(lines(validateJobUpdate(withSpec(old, { parallelism: -1 }), old))).toEqual([
      "FieldValueInvalid spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
    ]);
  });

  test("absent and empty lists are one", () => {
    const old = storedJob();
    const change = { template: { ...old.spec?.template, spec: { ...old.spec?.template?.spec } } };
    change.template.spec.volumes = [];
    change.template.spec.nodeSelector = {};
    expect(lines(validateJobUpdate(withSpec(old, change), old))).toEqual([]);
  });
});

describe("7.1 template", () => {
  const nodeAffinity = {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "Exists" }] }],
    },
  };
  const podAffinity = {
    requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: {}, topologyKey: "zone" }],
  };

  function change(old: Job, pod: PodSpec, status: JobStatus = {}): string[] {
    const template = old.spec?.template;
    const next = withSpec(old, { template: { ...template, spec: { ...template?.spec, ...pod } } });
    return lines(validateJobUpdate(next, { ...old, status })).map((line) =>
      line.replace(/\{.*\}/, "{}"),
    );
  }
  const frozen = ["FieldValueInvalid spec.template: Invalid value: {}: field is immutable"];
  const frozenSpec = [
    "FieldValueInvalid spec.template.spec: Invalid value: {}: field is immutable",
  ];
  const suspendedTrue = [{ type: "Suspended", status: "True" }];
  const startTime = "2026-11-23T08:00:00Z";

  type OpenCase = readonly [string, suspend: boolean, JobStatus, errors: readonly string[]];
  const openCases: readonly OpenCase[] = [
    ["not suspended", false, {}, frozen],
    ["not suspended, though the condition says so", false, { conditions: suspendedTrue }, frozen],
    ["suspended, never started", true, {}, []],
    ["suspended, still active", true, { active: 1 }, frozen],
    ["suspended, started, not yet stopped", true, { startTime }, frozen],
    ["suspended and stopped", true, { startTime, conditions: suspendedTrue }, []],
  ];
  test.each(openCases)("%s", (_, suspend, status, errors) => {
    const old = storedJob({ suspend });
    expect(change(old, { nodeSelector: { disk: "ssd" } }, status)).toEqual(errors);
  });

  const old = storedJob({ suspend: true });
  const containers = old.spec?.template?.spec?.containers ?? [];
  const first = { ...containers[0] };
  const allowed: readonly (readonly [string, PodSpec])[] = [
    ["nodeSelector", { nodeSelector: { disk: "ssd" } }],
    ["tolerations", { tolerations: [{ operator: "Exists" }] }],
    ["schedulingGates", { schedulingGates: [{ name: "a.b/c" }] }],
    ["node affinity", { affinity: { nodeAffinity } }],
    ["resources", { containers: [{ ...first, resources: { limits: { cpu: "1" } } }] }],
  ];
  test.each(allowed)("open: %s may change", (_, pod) => {
    expect(change(old, pod)).toEqual([]);
  });

  const refused: readonly (readonly [string, PodSpec])[] = [
    ["image", { containers: [{ ...first, image: "x" }] }],
    ["another container", { containers: [first, { ...first, name: "d" }] }],
    ["a container's name and resources", { containers: [{ ...first, name: "d", resources: {} }] }],
    ["restartPolicy", { restartPolicy: "OnFailure" }],
    ["Pod affinity", { affinity: { nodeAffinity, podAffinity } }],
  ];
  test.each(refused)("open: %s may not change", (_, pod) => {
    expect(change(old, pod)).toEqual(frozenSpec);
  });

  test("open: affinity may be dropped if it was node affinity only", () => {
    const withAffinity = (affinity: PodSpec["affinity"]): Job =>
      storedJob({ suspend: true, template: { spec: templateSpec({ affinity }) } });
    expect(change(withAffinity({ nodeAffinity }), { affinity: undefined })).toEqual([]);
    expect(change(withAffinity({ nodeAffinity, podAffinity }), { affinity: undefined })).toEqual(
      frozenSpec,
    );
  });

  test("open: labels and annotations of the template, in the request that resumes", () => {
    const template = old.spec?.template;
    const labels = { ...template?.metadata?.labels, app: "x" };
    const next = withSpec(old, {
      suspend: false,
      template: { ...template, metadata: { labels, annotations: { note: "y" } } },
    });
    expect(lines(validateJobUpdate(next, old))).toEqual([]);
  });
});
