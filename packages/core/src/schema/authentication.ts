// Who a client is: the review that `kubectl auth whoami` asks for.
import type { z } from "zod";
import { field, list, map, message, string, typeMeta } from "./message.ts";
import { objectMeta } from "./meta.ts";

export const userInfo = message("io.k8s.api.authentication.v1.UserInfo", {
  username: field(1, string),
  uid: field(2, string),
  groups: field(3, list(string)),
  extra: field(4, map(list(string))),
});
export type UserInfo = z.infer<typeof userInfo>;

export const selfSubjectReviewStatus = message(
  "io.k8s.api.authentication.v1.SelfSubjectReviewStatus",
  { userInfo: field(1, userInfo) },
);

export const selfSubjectReview = message("io.k8s.api.authentication.v1.SelfSubjectReview", {
  ...typeMeta,
  metadata: field(1, objectMeta),
  status: field(2, selfSubjectReviewStatus),
});
export type SelfSubjectReview = z.infer<typeof selfSubjectReview>;
