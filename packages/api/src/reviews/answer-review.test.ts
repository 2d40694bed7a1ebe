// What reviews are answered.
import { ApiError } from "@gantry/core";
import { describe, expect, it } from "vitest";
import { answerAccess, answerIdentity, answerOthers, answerRules } from "./answer-review.ts";
import { adminUser } from "./permissions.ts";

const resourceAttributes = { verb: "create", group: "batch", resource: "jobs" };
const nonResourceAttributes = { verb: "get", path: "/metrics" };

const admin = { ...adminUser, groups: [...adminUser.groups] };
const bob = { username: "bob", groups: ["devs", "system:authenticated"] };

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
    expect(answerAccess({ spec }, admin)).toEqual({ spec, status: { allowed: true } });
  });

  const ask = (group: string, resource: string, verb = "create") => ({
    resourceAttributes: { verb, group, resource },
  });
  it.each([
    [ask("batch", "jobs"), false],
    [ask("", "pods", "get"), false],
    [ask("authorization.k8s.io", "selfsubjectaccessreviews"), true],
    [ask("authorization.k8s.io", "selfsubjectrulesreviews"), true],
    [ask("authentication.k8s.io", "selfsubjectreviews"), true],
    [ask("authentication.k8s.io", "selfsubjectreviews", "get"), false],
    [ask("authorization.k8s.io", "subjectaccessreviews"), false],
    [{ nonResourceAttributes }, false],
    [{ nonResourceAttributes: { verb: "get", path: "/apis/batch/v1" } }, true],
    [{ nonResourceAttributes: { verb: "get", path: "/version" } }, true],
    [{ nonResourceAttributes: { verb: "get", path: "/versions" } }, false],
    [{ nonResourceAttributes: { verb: "post", path: "/version" } }, false],
  ])("of somebody unknown, %j: %s", (spec, allowed) => {
    expect(answerAccess({ spec }, bob).status).toEqual({ allowed });
    const anonymous = { username: "system:anonymous", groups: ["system:unauthenticated"] };
    expect(answerAccess({ spec }, anonymous).status).toEqual({ allowed: false });
    const named = { ...spec, user: bob.username, groups: bob.groups };
    expect(answerOthers({ spec: named }).status).toEqual({ allowed });
  });

  it("needs exactly one kind of attributes", () => {
    expect(messageOf(() => answerAccess({ spec: {} }, admin))).toBe(
      'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: ' +
        "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
    );
    const both = { resourceAttributes, nonResourceAttributes };
    expect(messageOf(() => answerAccess({ spec: both }, admin))).toContain(
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
  expect(answerRules({ spec: { namespace: "default" } }, admin).status).toEqual({
    resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
    nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
    incomplete: false,
  });
});

it("SelfSubjectRulesReview of somebody unknown: what everybody may", () => {
  const { status } = answerRules({ spec: { namespace: "default" } }, bob);
  expect(status?.resourceRules).toEqual([
    {
      verbs: ["create"],
      apiGroups: ["authentication.k8s.io"],
      resources: ["selfsubjectreviews"],
    },
    {
      verbs: ["create"],
      apiGroups: ["authorization.k8s.io"],
      resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    },
  ]);
  expect(status?.nonResourceRules?.map(({ verbs }) => verbs)).toEqual([["get"]]);
});

it("SelfSubjectReview: the administrator", () => {
  expect(answerIdentity({}, admin, Date.parse("2026-11-23T12:00:00Z"))).toEqual({
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
