// Requests on behalf of somebody else (`kubectl --as`). Only the administrator is known, so whoever
// else is named may do nothing but what every user of Kubernetes may: look at health and discovery.
import { forbiddenRequest } from "@gantry/core";
import type { FastifyRequest } from "fastify";
import { adminUser } from "../reviews/answer-review.ts";
import { pathOf } from "./auth.ts";

const ADMIN_GROUP = "system:masters";
const forEverybody =
  /^\/(healthz|livez|readyz|version|openapi(\/.*)?|api(\/v1)?|apis(\/[^/]+){0,2})\/?$/;

/** Node joins the values of a header that is there several times. */
const names = (header: string | string[] | undefined): string[] =>
  [header ?? []].flat().flatMap((each) => each.split(/, */));

/** A hook for `onRequest`: throws 403 for a request on behalf of anybody but the administrator. */
export const refuseImpersonation = (request: FastifyRequest): void => {
  const { headers } = request.raw;
  const [asUser, asGroup] = [headers["impersonate-user"], headers["impersonate-group"]];
  if (asUser === undefined && asGroup === undefined) return;
  const [user = ""] = names(asUser);
  if (user === adminUser.username || names(asGroup).includes(ADMIN_GROUP)) return;
  const path = pathOf(request);
  if (request.method === "GET" && forEverybody.test(path)) return;
  const why = `User "${user}" cannot ${request.method.toLowerCase()} path "${path}"`;
  throw forbiddenRequest("", "", "", why);
};
