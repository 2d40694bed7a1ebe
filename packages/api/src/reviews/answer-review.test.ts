// What reviews are answered.
import { ApiError } from "@gantry/core";
import { describe, expect, it } from "vitest";
import { answerAccess, answerIdentity, answerOthers, answerRules } from "./answer-review.ts";

const resourceAttributes = { verb: "create", group: "batch", resource: "jobs" };
const nonResourceAttributes = { verb: "get", path: "/metrics" };

const messageOf = (call: () => unknown): string => {
  try {
    call();
    return "";
  } catch (error) {
    expect((error as ApiError).code).toBe(422);
    return (error as ApiError).message;
  }
};

describe("SelfSubjectAccessReview", () => {
  it.each([{ resourceAttributes }, { nonResourceAttributes }])("%j is allowed", (spec) => {
    expect(answerAccess({ spec })).toEqual({ spec, status: { allowed: true } });
  });

  it("needs exactly one kind of attributes", () => {
    expect(messageOf(() => answerAccess({ spec: {} }))).toBe(
      'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: ' +
        "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
    );
    const both = { resourceAttributes, nonResourceAttributes };
    expect(messageOf(() => answerAccess({ spec: both }))).toContain(
      "cannot be specified in combination",
    );
  });
});

describe("SubjectAccessReview", () => {
  it.each([
    [{ user: "gantry:admin" }, true],
    [{ user: "someone", groups: ["system:masters"] }, true],
    [{ user: "someone" }, false],
    [{ groups: ["developers"] }, false],
  ])("%j: %s", (who, allowed) => {
    const { status } = answerOthers({ spec: { resourceAttributes, ...who } });
    expect(status).toEqual({ allowed });
  });

  it("needs a user or a group", () => {
    expect(messageOf(() => answerOthers({ spec: { resourceAttributes } }))).toContain(
      'spec.user: Invalid value: "": at least one of user or group must be specified',
    );
  });
});

it("SelfSubjectRulesReview: everything", () => {
  expect(answerRules({ spec: { namespace: "default" } }).status).toEqual({
    resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
    nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
    incomplete: false,
  });
});

it("SelfSubjectReview: the administrator", () => {
  expect(answerIdentity({}, Date.parse("2026-11-23T12:00:00Z"))).toEqual({
    metadata: { creationTimestamp: "2026-11-23T12:00:00Z" },
    status: {
      userInfo: {
        username: "gantry:admin",
        uid: "gantry:admin",
        groups: ["system:masters", "system:authenticated"],
      },
    },
  });
});
