// Routes of reviews: `kubectl auth can-i`, `kubectl auth whoami`, and what controllers ask.
import {
  badRequest,
  renderObject,
  type SelfSubjectAccessReview,
  type SelfSubjectReview,
  type SelfSubjectRulesReview,
  type SubjectAccessReview,
} from "@gantry/core";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { readObject } from "../requests/body.ts";
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

function route(app: FastifyInstance, kind: ReviewKind, answer: (review: unknown) => object): void {
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
      .send(JSON.stringify(renderObject(answer(given))));
  });
}

function answerRulesOfNamespace(review: SelfSubjectRulesReview): SelfSubjectRulesReview {
  if ((review.spec?.namespace ?? "") === "") throw badRequest("no namespace on request");
  return answerRules(review);
}

/** `now` gives Unix milliseconds. */
export function registerReviews(
  app: FastifyInstance,
  options: { readonly now: () => number },
): void {
  route(app, accessReview, (review) => answerAccess(review as SelfSubjectAccessReview));
  route(app, othersReview, (review) => answerOthers(review as SubjectAccessReview));
  route(app, rulesReview, (review) => answerRulesOfNamespace(review as SelfSubjectRulesReview));
  route(app, identityReview, (review) =>
    answerIdentity(review as SelfSubjectReview, options.now()),
  );
}
