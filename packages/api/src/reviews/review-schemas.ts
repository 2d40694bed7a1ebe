// The kinds of reviews: requests that are answered at once and stored nowhere.
import {
  selfSubjectAccessReview,
  selfSubjectReview,
  selfSubjectRulesReview,
  subjectAccessReview,
} from "@gantry/core";
import type { z } from "zod";

export interface ReviewKind {
  readonly group: string;
  readonly version: "v1";
  readonly kind: string;
  readonly plural: string;
  readonly schema: z.ZodObject;
}

const review = (group: string, kind: string, schema: z.ZodObject): ReviewKind => ({
  group,
  version: "v1",
  kind,
  plural: `${kind.toLowerCase()}s`,
  schema,
});

export const accessReview = review(
  "authorization.k8s.io",
  "SelfSubjectAccessReview",
  selfSubjectAccessReview,
);
export const rulesReview = review(
  "authorization.k8s.io",
  "SelfSubjectRulesReview",
  selfSubjectRulesReview,
);
export const othersReview = review(
  "authorization.k8s.io",
  "SubjectAccessReview",
  subjectAccessReview,
);
export const identityReview = review(
  "authentication.k8s.io",
  "SelfSubjectReview",
  selfSubjectReview,
);

export const reviewKinds: readonly ReviewKind[] = [
  identityReview,
  accessReview,
  rulesReview,
  othersReview,
];

/** By what stands in an object; `undefined` for what is no review. */
export const reviewSchema = (apiVersion: string, kind: string): z.ZodObject | undefined =>
  reviewKinds.find(
    (known) => `${known.group}/${known.version}` === apiVersion && known.kind === kind,
  )?.schema;
