// Requests on behalf of somebody else (`kubectl --as`). Only the administrator is known, so whoever
// else is named may do nothing but what every user of Kubernetes may: discovery, and questions about
// himself.
import { forbiddenRequest, type UserInfo } from "@gantry/core";
import type { FastifyRequest } from "fastify";
import { adminUser, isAdmin, isAuthenticated } from "../reviews/permissions.ts";
import { accessReview, identityReview, rulesReview } from "../reviews/review-schemas.ts";
import { pathOf } from "./auth.ts";

const forEverybody =
  /^\/(healthz|livez|readyz|version|openapi(\/.*)?|api(\/v1)?|apis(\/[^/]+){0,2})\/?$/;
const aboutOneself: ReadonlySet<string> = new Set(
  [accessReview, identityReview, rulesReview].map(
    ({ group, version, plural }) => `/apis/${group}/${version}/${plural}`,
  ),
);

const EXTRA = "impersonate-extra-";
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):[^:]+$/;

/** Node joins the values of a header that is there several times. */
const names = (header: string | string[] | undefined): string[] =>
  [header ?? []].flat().flatMap((each) => each.split(/, */));

/** Keys may be escaped, for what a header's name can't have. */
const unescaped = (key: string): string => {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
};

/** As Kubernetes adds to them: a ServiceAccount's own, and whether the user is known. */
const groupsOf = (username: string, given: readonly string[]): string[] => {
  const [, namespace] = SERVICE_ACCOUNT.exec(username) ?? [];
  const groups =
    given.length === 0 && namespace !== undefined
      ? ["system:serviceaccounts", `system:serviceaccounts:${namespace}`]
      : [...given];
  if (groups.includes("system:authenticated") || groups.includes("system:unauthenticated")) {
    return groups;
  }
  const anonymous = username === "system:anonymous";
  return [...groups, anonymous ? "system:unauthenticated" : "system:authenticated"];
};

const isImpersonated = ({ raw: { headers } }: FastifyRequest): boolean =>
  headers["impersonate-user"] !== undefined || headers["impersonate-group"] !== undefined;

/** On whose behalf a request is. */
export const userOf = (request: FastifyRequest): UserInfo => {
  if (!isImpersonated(request)) return { ...adminUser, groups: [...adminUser.groups] };
  const { headers } = request.raw;
  const [asUser, asGroup] = [headers["impersonate-user"], headers["impersonate-group"]];
  const [username = ""] = names(asUser);
  const [uid] = names(headers["impersonate-uid"]);
  const extra = Object.entries(headers).flatMap(([header, values]): [string, string[]][] =>
    header.startsWith(EXTRA) ? [[unescaped(header.slice(EXTRA.length)), names(values)]] : [],
  );
  return {
    username,
    ...(uid === undefined ? {} : { uid }),
    groups: groupsOf(username, names(asGroup)),
    ...(extra.length === 0 ? {} : { extra: Object.fromEntries(extra) }),
  };
};

/** A hook for `onRequest`: throws 403 for what the user that a request names may not do. */
export const refuseImpersonation = (request: FastifyRequest): void => {
  if (!isImpersonated(request)) return;
  const user = userOf(request);
  if (isAdmin(user)) return;
  const path = pathOf(request);
  if (request.method === "GET" && forEverybody.test(path)) return;
  const asks = request.method === "POST" && aboutOneself.has(path.replace(/\/$/, ""));
  if (asks && user.username !== "" && isAuthenticated(user)) return;
  const why = `User "${user.username}" cannot ${request.method.toLowerCase()} path "${path}"`;
  throw forbiddenRequest("", "", "", why);
};
