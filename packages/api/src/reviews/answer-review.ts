// What a review is answered: whoever holds the token may do everything; nobody else is known.
import {
  invalidField,
  invalidObject,
  type ResourceAttributes,
  rfc3339,
  type SelfSubjectAccessReview,
  type SelfSubjectReview,
  type SelfSubjectRulesReview,
  type SubjectAccessReview,
  type UserInfo,
} from "@gantry/core";

/** Whom a valid token stands for. */
export const adminUser = {
  username: "gantry:admin",
  uid: "gantry:admin",
  groups: ["system:masters", "system:authenticated"],
} as const satisfies UserInfo;

interface AccessSpec {
  readonly resourceAttributes?: ResourceAttributes | undefined;
  readonly nonResourceAttributes?: object | undefined;
}

const group = "authorization.k8s.io";

function checkAttributes(kind: string, spec: AccessSpec | undefined): void {
  const both = spec?.resourceAttributes !== undefined && spec.nonResourceAttributes !== undefined;
  const none = spec?.resourceAttributes === undefined && spec?.nonResourceAttributes === undefined;
  if (!both && !none) return;
  const [field, detail] = both
    ? ["spec.nonResourceAttributes", "cannot be specified in combination with resourceAttributes"]
    : [
        "spec.resourceAttributes",
        "exactly one of nonResourceAttributes or resourceAttributes must be specified",
      ];
  const value = both ? spec.nonResourceAttributes : null;
  throw invalidObject(kind, group, "", [invalidField(field, value, detail)]);
}

export function answerAccess(review: SelfSubjectAccessReview): SelfSubjectAccessReview {
  checkAttributes("SelfSubjectAccessReview", review.spec);
  return { ...review, status: { allowed: true } };
}

/** Of another user: allowed for the administrator and the group `system:masters`. */
export function answerOthers(review: SubjectAccessReview): SubjectAccessReview {
  checkAttributes("SubjectAccessReview", review.spec);
  const { user = "", groups = [] } = review.spec ?? {};
  if (user === "" && groups.length === 0) {
    const detail = "at least one of user or group must be specified";
    throw invalidObject("SubjectAccessReview", group, "", [invalidField("spec.user", "", detail)]);
  }
  const allowed = user === adminUser.username || groups.includes("system:masters");
  return { ...review, status: { allowed } };
}

export const answerRules = (review: SelfSubjectRulesReview): SelfSubjectRulesReview => ({
  ...review,
  status: {
    resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
    nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
    incomplete: false,
  },
});

export const answerIdentity = (review: SelfSubjectReview, nowMs: number): SelfSubjectReview => ({
  ...review,
  metadata: { ...review.metadata, creationTimestamp: rfc3339(nowMs) },
  status: { userInfo: { ...adminUser, groups: [...adminUser.groups] } },
});
