// What a review is answered.
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
import { isAllowed, rulesOf } from "./permissions.ts";

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

export function answerAccess(
  review: SelfSubjectAccessReview,
  user: UserInfo,
): SelfSubjectAccessReview {
  checkAttributes("SelfSubjectAccessReview", review.spec);
  return { ...review, status: { allowed: isAllowed(user, review.spec ?? {}) } };
}

/** Of another user, in the groups that the review names. */
export function answerOthers(review: SubjectAccessReview): SubjectAccessReview {
  checkAttributes("SubjectAccessReview", review.spec);
  const { user = "", groups = [] } = review.spec ?? {};
  if (user === "" && groups.length === 0) {
    const detail = "at least one of user or group must be specified";
    throw invalidObject("SubjectAccessReview", group, "", [invalidField("spec.user", "", detail)]);
  }
  const allowed = isAllowed({ username: user, groups }, review.spec ?? {});
  return { ...review, status: { allowed } };
}

export const answerRules = (
  review: SelfSubjectRulesReview,
  user: UserInfo,
): SelfSubjectRulesReview => ({ ...review, status: rulesOf(user) });

export const answerIdentity = (
  review: SelfSubjectReview,
  user: UserInfo,
  nowMs: number,
): SelfSubjectReview => ({
  ...review,
  metadata: { ...review.metadata, creationTimestamp: rfc3339(nowMs) },
  status: { userInfo: user },
});
