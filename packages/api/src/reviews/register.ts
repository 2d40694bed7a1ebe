// Routes of reviews: `kubectl auth can-i`, `kubectl auth whoami`, and what controllers ask.
import {
  badRequest,
  renderObject,
  type SelfSubjectAccessReview,
  type SelfSubjectReview,
  type SelfSubjectRulesReview,
  type SubjectAccessReview,
  type UserInfo,
} from "@gantry/core";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { readObject } from "../requests/body.ts";
import { userOf } from "../server/impersonation.ts";
import { refuseOthers } from "../server/refusals.ts";
import { addWarnings } from "../responses/send.ts";
import { negotiate } from "../requests/negotiate.ts";
import { answerAccess, answerIdentity, answerOthers, answerRules } from "./answer-review.ts";
import {
  accessReview,
  identityReview,
  othersReview,
  type ReviewKind,
  rulesReview,
} from "./review-schemas.ts";

const fieldValidation = (request: FastifyRequest): "Strict" | "Warn" | "Ignore" => {
  const { fieldValidation: asked } = request.query as { fieldValidation?: string };
  return asked === "Strict" || asked === "Ignore" ? asked : "Warn";
};

function route(
  app: FastifyInstance,
  kind: ReviewKind,
  answer: (review: unknown, user: UserInfo) => object,
): void {
  const path = `/apis/${kind.group}/${kind.version}/${kind.plural}`;
  refuseOthers(app, path, ["POST"]);
  app.post(path, (request, reply) => {
    negotiate(request.headers.accept, { list: false });
    const { object, warnings } = readObject(request, kind, fieldValidation(request));
    addWarnings(reply, warnings);
    const given = { ...object, apiVersion: `${kind.group}/${kind.version}`, kind: kind.kind };
    return reply
      .code(201)
      .type("application/json")
      .send(JSON.stringify(renderObject(answer(given, userOf(request)))));
  });
}

function answerRulesOfNamespace(
  review: SelfSubjectRulesReview,
  user: UserInfo,
): SelfSubjectRulesReview {
  if ((review.spec?.namespace ?? "") === "") throw badRequest("no namespace on request");
  return answerRules(review, user);
}

/** `now` gives Unix milliseconds. */
export function registerReviews(
  app: FastifyInstance,
  options: { readonly now: () => number },
): void {
  route(app, accessReview, (review, user) => answerAccess(review as SelfSubjectAccessReview, user));
  route(app, othersReview, (review) => answerOthers(review as SubjectAccessReview));
  route(app, rulesReview, (review, user) =>
    answerRulesOfNamespace(review as SelfSubjectRulesReview, user),
  );
  route(app, identityReview, (review, user) =>
    answerIdentity(review as SelfSubjectReview, user, options.now()),
  );
}
