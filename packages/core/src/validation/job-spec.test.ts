// JobSpec fields and policies (job-spec 3, 3.1, 3.2, 3.3; details E7).
import { describe, expect, test } from "vitest";
import { jobManifest, lines, storedJob, templateSpec } from "../../test/manifests.ts";
import { defaultJob } from "../defaults/job.ts";
import type { JobSpec, PodFailurePolicyRule, SuccessPolicyRule } from "../schema/batch.ts";
import { validateJobCreate } from "./job.ts";

type Case = readonly [title: string, spec: JobSpec, errors: readonly string[]];

const errorsOf = (spec: JobSpec): string[] => lines(validateJobCreate(storedJob(spec)));

const negative = (field: string, value = -1): string =>
  `FieldValueInvalid spec.${field}: Invalid value: ${value}: must be greater than or equal to 0`;
const indexed = { completionMode: "Indexed", completions: 5 };
const needsIndexed = (field: string, value: unknown): string =>
  `FieldValueInvalid spec.${field}: Invalid value: ${JSON.stringify(value)}: requires indexed completion mode`;
const restartPath = "spec.template.spec.restartPolicy";

describe("3 JobSpec", () => {
  const cases: readonly Case[] = [
    ["a plain Job", {}, []],
    ["zeros", { parallelism: 0, completions: 0, activeDeadlineSeconds: 0, backoffLimit: 0 }, []],
    ["zeros of an Indexed Job", { ...indexed, backoffLimitPerIndex: 0, maxFailedIndexes: 0 }, []],
    ["parallelism", { parallelism: -1 }, [negative("parallelism")]],
    [
      "every number, in order",
      {
        ...indexed,
        parallelism: -1,
        completions: -2,
        activeDeadlineSeconds: -3,
        backoffLimit: -4,
        ttlSecondsAfterFinished: -5,
        backoffLimitPerIndex: -6,
        maxFailedIndexes: -7,
      },
      [
        negative("parallelism"),
        negative("completions", -2),
        negative("activeDeadlineSeconds", -3),
        negative("backoffLimit", -4),
        negative("ttlSecondsAfterFinished", -5),
        negative("backoffLimitPerIndex", -6),
        negative("maxFailedIndexes", -7),
      ],
    ],
    [
      "Indexed without completions",
      { completionMode: "Indexed", parallelism: 1 },
      ["FieldValueRequired spec.completions: Required value: when completion mode is Indexed"],
    ],
    [
      "Indexed with too much parallelism",
      { ...indexed, parallelism: 100_001 },
      [
        "FieldValueInvalid spec.parallelism: Invalid value: 100001: " +
          "must be less than or equal to 100000 when completion mode is Indexed",
      ],
    ],
    ["NonIndexed parallelism has no bound", { parallelism: 100_001 }, []],
    [
      "per-index fields of a NonIndexed Job",
      { backoffLimitPerIndex: 1, maxFailedIndexes: 2 },
      [needsIndexed("backoffLimitPerIndex", 1), needsIndexed("maxFailedIndexes", 2)],
    ],
    [
      "maxFailedIndexes without backoffLimitPerIndex",
      { ...indexed, maxFailedIndexes: 2 },
      [
        "FieldValueRequired spec.backoffLimitPerIndex: Required value: when " +
          "maxFailedIndexes is specified",
      ],
    ],
    [
      "maxFailedIndexes above completions",
      { ...indexed, backoffLimitPerIndex: 1, maxFailedIndexes: 6 },
      [
        "FieldValueInvalid spec.maxFailedIndexes: Invalid value: 6: must be less " +
          "than or equal to completions",
      ],
    ],
    [
      "maxFailedIndexes above its bound, many completions (3.1)",
      { ...indexed, completions: 200_000, backoffLimitPerIndex: 1, maxFailedIndexes: 100_001 },
      [
        "FieldValueInvalid spec.maxFailedIndexes: Invalid value: 100001: must be " +
          "less than or equal to 100000",
        "FieldValueInvalid spec.maxFailedIndexes: Invalid value: 100001: must be less than or equal to " +
          "10000 when completions are above 100000 and used with backoff limit per index",
      ],
    ],
    [
      "3.1 with backoffLimitPerIndex",
      { ...indexed, completions: 100_001, parallelism: 10_001, backoffLimitPerIndex: 1 },
      [
        "FieldValueRequired spec.maxFailedIndexes: Required value: must be specified " +
          "when completions is above 100000",
        "FieldValueInvalid spec.parallelism: Invalid value: 10001: must be less than or equal to " +
          "10000 when completions are above 100000 and used with backoff limit per index",
      ],
    ],
    ["3.1 at the bound", { ...indexed, completions: 100_000, backoffLimitPerIndex: 1 }, []],
    [
      "unknown completionMode",
      { completionMode: "Sometimes" },
      [
        'FieldValueNotSupported spec.completionMode: Unsupported value: "Sometimes": ' +
          'supported values: "NonIndexed", "Indexed"',
      ],
    ],
    [
      "unknown podReplacementPolicy",
      { podReplacementPolicy: "Never" },
      [
        'FieldValueNotSupported spec.podReplacementPolicy: Unsupported value: "Never": ' +
          'supported values: "Failed", "TerminatingOrFailed"',
      ],
    ],
    [
      "podReplacementPolicy beside podFailurePolicy",
      { podReplacementPolicy: "TerminatingOrFailed", podFailurePolicy: { rules: [] } },
      [
        'FieldValueNotSupported spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": ' +
          'supported values: "Failed"',
      ],
    ],
  ];
  test.each(cases)("%s", (_, spec, errors) => {
    expect(errorsOf(spec)).toEqual(errors);
  });
});

describe("3 managedBy", () => {
  const path = 'must be a domain-prefixed path (such as "acme.io/foo")';
  const at = "spec.managedBy";
  test.each([
    ["acme.io/foo", []],
    ["kubernetes.io/job-controller", []],
    ["acme.io/a/b", []],
    ["", [`FieldValueRequired ${at}: Required value`]],
    ["foo", [`FieldValueInvalid ${at}: Invalid value: "foo": ${path}`]],
    ["/foo", [`FieldValueInvalid ${at}: Invalid value: "/foo": ${path}`]],
    ["acme.io/", [`FieldValueInvalid ${at}: Invalid value: "acme.io/": ${path}`]],
    [
      "acme.io/ü",
      [
        `FieldValueInvalid ${at}: Invalid value: "ü": Invalid path ` +
          "(regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
      ],
    ],
    [
      `acme.io/${"a".repeat(60)}`,
      [`FieldValueTooLong ${at}: Too long: may not be more than 63 bytes`],
    ],
  ])("%j", (managedBy, errors) => {
    expect(errorsOf({ managedBy })).toEqual(errors);
  });
});

describe("3 template.spec.restartPolicy", () => {
  test.each([
    [undefined, ['FieldValueRequired PATH: Required value: valid values: "OnFailure", "Never"']],
    ["Always", ['FieldValueRequired PATH: Required value: valid values: "OnFailure", "Never"']],
    [
      "Maybe",
      [
        'FieldValueNotSupported PATH: Unsupported value: "Maybe": supported values: ' +
          '"Always", "OnFailure", "Never"',
        'FieldValueNotSupported PATH: Unsupported value: "Maybe": supported values: ' +
          '"OnFailure", "Never"',
      ],
    ],
    ["OnFailure", []],
    ["Never", []],
  ])("%s", (restartPolicy, errors) => {
    const template = { spec: { ...templateSpec(), restartPolicy } };
    expect(errorsOf({ template })).toEqual(errors.map((text) => text.replace("PATH", restartPath)));
  });

  test("OnFailure beside podFailurePolicy", () => {
    const template = { spec: templateSpec({ restartPolicy: "OnFailure" }) };
    expect(errorsOf({ template, podFailurePolicy: { rules: [] } })).toEqual([
      `FieldValueInvalid ${restartPath}: Invalid value: "OnFailure": ` +
        'only "Never" is supported when podFailurePolicy is specified',
    ]);
  });
});

describe("3.2 podFailurePolicy", () => {
  const exitCodes = (values: number[], operator = "In"): PodFailurePolicyRule => ({
    action: "FailJob",
    onExitCodes: { operator, values },
  });
  const at = "spec.podFailurePolicy.rules[0]";
  type RuleCase = readonly [string, PodFailurePolicyRule, readonly string[]];
  const cases: readonly RuleCase[] = [
    ["exit codes", exitCodes([1, 5, 42]), []],
    ["negative values", exitCodes([-2, -1]), []],
    ["0 with NotIn", exitCodes([0], "NotIn"), []],
    [
      "a condition, status True by default",
      { action: "Ignore", onPodConditions: [{ type: "X" }] },
      [],
    ],
    [
      "no action",
      { onExitCodes: { operator: "In", values: [1] } },
      [
        `FieldValueRequired ${at}.action: Required value: valid values: ["Count" ` +
          '"FailIndex" "FailJob" "Ignore"]',
      ],
    ],
    [
      "unknown action",
      { ...exitCodes([1]), action: "Explode" },
      [
        `FieldValueNotSupported ${at}.action: Unsupported value: "Explode": ` +
          'supported values: "Count", "FailIndex", "FailJob", "Ignore"',
      ],
    ],
    [
      "FailIndex without backoffLimitPerIndex",
      { ...exitCodes([1]), action: "FailIndex" },
      [
        `FieldValueInvalid ${at}.action: Invalid value: "FailIndex": requires the ` +
          "backoffLimitPerIndex to be set",
      ],
    ],
    [
      "both requirements",
      { ...exitCodes([1]), onPodConditions: [{ type: "X" }] },
      [
        `FieldValueInvalid ${at}: Invalid value: specifying both OnExitCodes and ` +
          "OnPodConditions is not supported",
      ],
    ],
    [
      "neither requirement",
      { action: "Count" },
      [
        `FieldValueInvalid ${at}: Invalid value: specifying one of OnExitCodes and ` +
          "OnPodConditions is required",
      ],
    ],
    [
      "no operator",
      exitCodes([1], ""),
      [
        `FieldValueRequired ${at}.onExitCodes.operator: Required value: valid ` +
          'values: ["In" "NotIn"]',
      ],
    ],
    [
      "unknown operator",
      exitCodes([1], "Near"),
      [
        `FieldValueNotSupported ${at}.onExitCodes.operator: Unsupported value: ` +
          '"Near": supported values: "In", "NotIn"',
      ],
    ],
    [
      "unknown container",
      { action: "Count", onExitCodes: { containerName: "x", operator: "In", values: [1] } },
      [
        `FieldValueInvalid ${at}.onExitCodes.containerName: Invalid value: "x": ` +
          "must be one of the container or initContainer names in the pod template",
      ],
    ],
    [
      "no values",
      exitCodes([]),
      [
        `FieldValueInvalid ${at}.onExitCodes.values: Invalid value: []: at least one ` +
          "value is required",
      ],
    ],
    [
      "256 values",
      exitCodes(Array.from({ length: 256 }, (_, i) => i + 1)),
      [`FieldValueTooMany ${at}.onExitCodes.values: Too many: 256: must have at most 255 items`],
    ],
    [
      "0 with In, a duplicate, and disorder",
      exitCodes([3, 0, 3]),
      [
        `FieldValueInvalid ${at}.onExitCodes.values[1]: Invalid value: 0: must not ` +
          "be 0 for the In operator",
        `FieldValueDuplicate ${at}.onExitCodes.values[2]: Duplicate value: 3`,
        `FieldValueInvalid ${at}.onExitCodes.values: Invalid value: [3,0,3]: must be ordered`,
      ],
    ],
    [
      "unknown status of a condition",
      { action: "Count", onPodConditions: [{ type: "X", status: "Maybe" }] },
      [
        `FieldValueNotSupported ${at}.onPodConditions[0].status: Unsupported value: "Maybe": ` +
          'supported values: "False", "True", "Unknown"',
      ],
    ],
    [
      "21 conditions",
      { action: "Count", onPodConditions: Array.from({ length: 21 }, () => ({ type: "X" })) },
      [`FieldValueTooMany ${at}.onPodConditions: Too many: 21: must have at most 20 items`],
    ],
  ];
  test.each(cases)("%s", (_, rule, errors) => {
    expect(errorsOf({ podFailurePolicy: { rules: [rule] } })).toEqual(errors);
  });

  test("a condition without type", () => {
    const rule = { action: "Count", onPodConditions: [{ type: "" }] };
    const [first, second, ...more] = errorsOf({ podFailurePolicy: { rules: [rule] } });
    expect(first).toBe(
      `FieldValueInvalid ${at}.onPodConditions[0].type: Invalid value: "": name part ` +
        "must be non-empty",
    );
    expect(second).toContain("name part must consist of alphanumeric characters");
    expect(more).toEqual([]);
  });

  test("21 rules", () => {
    const rules = Array.from({ length: 21 }, () => exitCodes([1]));
    expect(errorsOf({ podFailurePolicy: { rules } })).toEqual([
      "FieldValueTooMany spec.podFailurePolicy.rules: Too many: 21: must have at most 20 items",
    ]);
  });

  test("the names of init containers count too, FailIndex goes with backoffLimitPerIndex", () => {
    const template = {
      spec: templateSpec({ initContainers: [{ name: "setup", image: "busybox:1.36" }] }),
    };
    const onExitCodes = { containerName: "setup", operator: "In", values: [1] };
    const podFailurePolicy = { rules: [{ action: "FailIndex", onExitCodes }] };
    const spec = { ...indexed, backoffLimitPerIndex: 1, template, podFailurePolicy };
    expect(errorsOf(spec)).toEqual([]);
  });
});

describe("3.3 successPolicy", () => {
  const at = "spec.successPolicy.rules[0]";
  type RuleCase = readonly [string, SuccessPolicyRule, readonly string[]];
  const cases: readonly RuleCase[] = [
    ["indexes", { succeededIndexes: "0-2,4" }, []],
    ["a count of 0", { succeededCount: 0 }, []],
    ["both", { succeededIndexes: "0-2", succeededCount: 3 }, []],
    [
      "neither",
      {},
      [
        `FieldValueRequired ${at}: Required value: ` +
          "at least one of succeededCount or succeededIndexes must be specified",
      ],
    ],
    [
      "an index past completions",
      { succeededIndexes: "5" },
      [
        `FieldValueInvalid ${at}.succeededIndexes: Invalid value: "5": ` +
          'error parsing succeededIndexes: too large index: "5"',
      ],
    ],
    [
      "a negative count",
      { succeededCount: -1 },
      [
        `FieldValueInvalid ${at}.succeededCount: Invalid value: -1: must be greater ` +
          "than or equal to 0",
      ],
    ],
    [
      "a count above completions and above the indexes",
      { succeededIndexes: "1,3", succeededCount: 6 },
      [
        `FieldValueInvalid ${at}.succeededCount: Invalid value: 6: ` +
          "must be less than or equal to 5 (the number of specified completions)",
        `FieldValueInvalid ${at}.succeededCount: Invalid value: 6: must be less than or equal to 2 ` +
          "(the number of indexes in the specified succeededIndexes field)",
      ],
    ],
  ];
  test.each(cases)("%s", (_, rule, errors) => {
    expect(errorsOf({ ...indexed, successPolicy: { rules: [rule] } })).toEqual(errors);
  });

  test("no rules, and 21", () => {
    expect(errorsOf({ ...indexed, successPolicy: {} })).toEqual([
      "FieldValueRequired spec.successPolicy.rules: Required value: " +
        "at least one rules must be specified when the successPolicy is specified",
    ]);
    const rules = Array.from({ length: 21 }, () => ({ succeededCount: 1 }));
    expect(errorsOf({ ...indexed, successPolicy: { rules } })).toEqual([
      "FieldValueTooMany spec.successPolicy.rules: Too many: 21: must have at most 20 items",
    ]);
  });

  test("a list of more than 65536 bytes", () => {
    const succeededIndexes = Array.from({ length: 14_000 }, (_, i) => 2 * i).join(",");
    const successPolicy = { rules: [{ succeededIndexes }] };
    expect(errorsOf({ completionMode: "Indexed", completions: 30_000, successPolicy })).toEqual([
      `FieldValueTooLong ${at}.succeededIndexes: Too long: may not be more than 65536 bytes`,
    ]);
  });

  test("NonIndexed, with the value as Go names its fields (E5)", () => {
    expect(errorsOf({ successPolicy: { rules: [{ succeededCount: 1 }] } })).toEqual([
      'FieldValueInvalid spec.successPolicy: Invalid value: {"Rules":[{"SucceededIndexes":null,' +
        '"SucceededCount":1}]}: requires indexed completion mode',
    ]);
  });

  test("without completions nothing but their absence is wrong", () => {
    const spec = {
      completionMode: "Indexed",
      parallelism: 1,
      successPolicy: { rules: [{ succeededIndexes: "7", succeededCount: 1 }] },
    };
    expect(errorsOf(spec)).toEqual([
      "FieldValueRequired spec.completions: Required value: when completion mode is Indexed",
    ]);
  });
});

describe("2 metadata", () => {
  test("M2: a name above 63 bytes is no label value", () => {
    const name = "a".repeat(64);
    expect(lines(validateJobCreate(storedJobWithoutRead(name)))).toEqual([
      `FieldValueInvalid spec.template.labels: Invalid value: "${name}": must be no ` +
        "more than 63 bytes",
      `FieldValueInvalid spec.template.labels: Invalid value: "${name}": must be no ` +
        "more than 63 bytes",
    ]);
  });

  test.each([
    ["a.b", 1],
    ["a".repeat(62), 1],
    ["a".repeat(61), 11],
  ])("M3: host name of the last index of %s with %i completions", (name, completions) => {
    const spec = { completionMode: "Indexed", completions, parallelism: 1 };
    expect(lines(validateJobCreate(storedJob(spec, name)))).toEqual([
      `FieldValueInvalid metadata.name: Invalid value: "${name}": ` +
        `will not able to create pod with invalid DNS label: ${name}-${completions - 1}`,
    ]);
  });

  test("M3: not with 0 completions", () => {
    const spec = { completionMode: "Indexed", completions: 0, parallelism: 1 };
    expect(lines(validateJobCreate(storedJob(spec, "a.b")))).toEqual([]);
  });
});

/** As at creation: labels of the template are not yet the Job's (M9). */
function storedJobWithoutRead(name: string) {
  const { metadata, ...rest } = storedJob({}, name);
  return { ...rest, metadata: { ...metadata, labels: undefined } };
}

test("E2: all errors at once, of a Job with nothing in it", () => {
  const empty = defaultJob({ metadata: { name: "x", namespace: "default" }, spec: {} });
  expect(lines(validateJobCreate(empty))).toEqual([
    "FieldValueRequired spec.template.spec.containers: Required value",
    `FieldValueRequired ${restartPath}: Required value: valid values: "OnFailure", "Never"`,
    "FieldValueRequired spec.selector: Required value",
    "FieldValueInvalid spec.template.metadata.labels: Invalid value: null: " +
      "`selector` does not match template `labels`",
  ]);
  expect(validateJobCreate(defaultJob(jobManifest({ manualSelector: true })))).toHaveLength(2);
});
