import type { z } from "zod";
import { boolean, field, list, map, message, string, typeMeta } from "./message.ts";
import { fieldSelectorRequirement, labelSelectorRequirement, objectMeta } from "./meta.ts";

export const fieldSelectorAttributes = message(
  "io.k8s.api.authorization.v1.FieldSelectorAttributes",
  {
    rawSelector: field(1, string),
    requirements: field(2, list(fieldSelectorRequirement)),
  },
);

export const labelSelectorAttributes = message(
  "io.k8s.api.authorization.v1.LabelSelectorAttributes",
  {
    rawSelector: field(1, string),
    requirements: field(2, list(labelSelectorRequirement)),
  },
);

export const nonResourceAttributes = message("io.k8s.api.authorization.v1.NonResourceAttributes", {
  path: field(1, string),
  verb: field(2, string),
});

export const nonResourceRule = message("io.k8s.api.authorization.v1.NonResourceRule", {
  verbs: field(1, list(string)),
  nonResourceURLs: field(2, list(string)),
});

export const resourceAttributes = message("io.k8s.api.authorization.v1.ResourceAttributes", {
  namespace: field(1, string),
  verb: field(2, string),
  group: field(3, string),
  version: field(4, string),
  resource: field(5, string),
  subresource: field(6, string),
  name: field(7, string),
  fieldSelector: field(8, fieldSelectorAttributes),
  labelSelector: field(9, labelSelectorAttributes),
});
export type ResourceAttributes = z.infer<typeof resourceAttributes>;

export const resourceRule = message("io.k8s.api.authorization.v1.ResourceRule", {
  verbs: field(1, list(string)),
  apiGroups: field(2, list(string)),
  resources: field(3, list(string)),
  resourceNames: field(4, list(string)),
});

export const selfSubjectAccessReviewSpec = message(
  "io.k8s.api.authorization.v1.SelfSubjectAccessReviewSpec",
  {
    resourceAttributes: field(1, resourceAttributes),
    nonResourceAttributes: field(2, nonResourceAttributes),
  },
);

export const subjectAccessReviewStatus = message(
  "io.k8s.api.authorization.v1.SubjectAccessReviewStatus",
  {
    allowed: field(1, boolean),
    reason: field(2, string),
    evaluationError: field(3, string),
    denied: field(4, boolean),
  },
);

export const selfSubjectAccessReview = message(
  "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
  {
    ...typeMeta,
    metadata: field(1, objectMeta),
    spec: field(2, selfSubjectAccessReviewSpec),
    status: field(3, subjectAccessReviewStatus),
  },
);
export type SelfSubjectAccessReview = z.infer<typeof selfSubjectAccessReview>;

export const selfSubjectRulesReviewSpec = message(
  "io.k8s.api.authorization.v1.SelfSubjectRulesReviewSpec",
  {
    namespace: field(1, string),
  },
);

export const subjectRulesReviewStatus = message(
  "io.k8s.api.authorization.v1.SubjectRulesReviewStatus",
  {
    resourceRules: field(1, list(resourceRule)),
    nonResourceRules: field(2, list(nonResourceRule)),
    incomplete: field(3, boolean),
    evaluationError: field(4, string),
  },
);

export const selfSubjectRulesReview = message(
  "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
  {
    ...typeMeta,
    metadata: field(1, objectMeta),
    spec: field(2, selfSubjectRulesReviewSpec),
    status: field(3, subjectRulesReviewStatus),
  },
);
export type SelfSubjectRulesReview = z.infer<typeof selfSubjectRulesReview>;

export const subjectAccessReviewSpec = message(
  "io.k8s.api.authorization.v1.SubjectAccessReviewSpec",
  {
    resourceAttributes: field(1, resourceAttributes),
    nonResourceAttributes: field(2, nonResourceAttributes),
    user: field(3, string),
    groups: field(4, list(string)),
    extra: field(5, map(list(string))),
    uid: field(6, string),
  },
);

export const subjectAccessReview = message("io.k8s.api.authorization.v1.SubjectAccessReview", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  spec: field(2, subjectAccessReviewSpec),
  status: field(3, subjectAccessReviewStatus),
});
export type SubjectAccessReview = z.infer<typeof subjectAccessReview>;
