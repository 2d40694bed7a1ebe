// Who may do what: the administrator everything, whoever else is named what every user of Kubernetes may.
import type { SelfSubjectAccessReview, SelfSubjectRulesReview, UserInfo } from "@gantry/core";

/** Whom a valid token stands for. */
export const adminUser = {
  username: "gantry:admin",
  uid: "gantry:admin",
  groups: ["system:masters", "system:authenticated"],
} as const satisfies UserInfo;

type Who = Pick<UserInfo, "username" | "groups">;
type Rules = NonNullable<SelfSubjectRulesReview["status"]>;
type Asked = NonNullable<SelfSubjectAccessReview["spec"]>;

export const isAdmin = ({ username, groups = [] }: Who): boolean =>
  username === adminUser.username || groups.includes("system:masters");

/** Everybody but `system:anonymous`. */
export const isAuthenticated = ({ groups = [] }: Who): boolean =>
  groups.includes("system:authenticated");

const reviews = [
  { group: "authentication.k8s.io", resources: ["selfsubjectreviews"] },
  {
    group: "authorization.k8s.io",
    resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
  },
] as const;

/** Kubernetes' `system:discovery` and `system:public-info-viewer`; `*` at the end stands for the rest. */
const urls = [
  "/api",
  "/api/*",
  "/apis",
  "/apis/*",
  "/healthz",
  "/livez",
  "/openapi",
  "/openapi/*",
  "/readyz",
  "/version",
  "/version/",
] as const;

const everything: Rules = {
  resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
  incomplete: false,
};

const ofEverybody: Rules = {
  resourceRules: reviews.map(({ group, resources }) => ({
    verbs: ["create"],
    apiGroups: [group],
    resources: [...resources],
  })),
  nonResourceRules: [{ verbs: ["get"], nonResourceURLs: [...urls] }],
  incomplete: false,
};

const nothing: Rules = { resourceRules: [], nonResourceRules: [], incomplete: false };

export const rulesOf = (who: Who): Rules =>
  isAdmin(who) ? everything : isAuthenticated(who) ? ofEverybody : nothing;

const isCovered = (path: string): boolean =>
  urls.some((url) => (url.endsWith("*") ? path.startsWith(url.slice(0, -1)) : path === url));

export const isAllowed = (who: Who, asked: Asked): boolean => {
  if (isAdmin(who)) return true;
  if (!isAuthenticated(who)) return false;
  const { resourceAttributes: object, nonResourceAttributes: url } = asked;
  if (url !== undefined) return url.verb === "get" && isCovered(url.path ?? "");
  const { verb, group = "", resource = "", subresource = "" } = object ?? {};
  const known: readonly string[] = reviews.find((one) => one.group === group)?.resources ?? [];
  return verb === "create" && subresource === "" && known.includes(resource);
};
