// Requests that no client of good will sends, and good ones among them: what the fuzz test is fed with.
import {
  array,
  type Arbitrary,
  constant,
  constantFrom,
  integer,
  nat,
  oneof,
  option,
  record,
  string,
  tuple,
  uint8Array,
} from "fast-check";
import type { z } from "zod";
import { groupVersions } from "../../src/discovery/served.ts";
import { strategies } from "../../src/registry/registry.ts";
import { groupPath } from "../../src/server/routes.ts";
import { encodeProtobuf } from "../encode-protobuf.ts";
import { ANY_TIME, fieldNames, flagText, hostileBody, oddValue, selector } from "./hostile.ts";

export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

type Json = Record<string, unknown>;

const POD_SPEC = { restartPolicy: "Never", containers: [{ name: "main", image: "busybox" }] };
const TEMPLATE = { template: { spec: POD_SPEC } };

/** A body that is accepted, by kind. */
const bodies: Readonly<Record<string, Json>> = {
  Job: { spec: TEMPLATE },
  CronJob: { spec: { schedule: "* * * * *", jobTemplate: { spec: TEMPLATE } } },
  Pod: { spec: POD_SPEC },
  ConfigMap: { data: { a: "1" }, binaryData: { b: "AA==" } },
  Secret: { type: "Opaque", data: { a: "AA==" }, stringData: { b: "1" } },
  Event: { involvedObject: { kind: "Job", namespace: "default", name: "a" }, reason: "R" },
  Lease: { spec: { holderIdentity: "me", leaseDurationSeconds: 5, renewTime: ANY_TIME } },
  Eviction: { deleteOptions: { gracePeriodSeconds: 0 } },
  DeleteOptions: { propagationPolicy: "Background", preconditions: { uid: "x" } },
  SelfSubjectAccessReview: { spec: { resourceAttributes: { verb: "get", resource: "jobs" } } },
};

interface Route {
  readonly path: string;
  readonly kind: string;
  readonly apiVersion: string;
  readonly schema: z.ZodObject | undefined;
}

const route = (path: string, kind = "", apiVersion = "v1", schema?: z.ZodObject): Route => ({
  path,
  kind,
  apiVersion,
  schema,
});

const kindRoutes = strategies.flatMap((strategy) => {
  const { kind, apiVersion, schema, plural, namespaced } = strategy;
  const root = groupPath(strategy);
  const collection = namespaced ? `${root}/namespaces/NS/${plural}` : `${root}/${plural}`;
  const watched = collection.replace(root, `${root}/watch`);
  const tails = ["", "/NAME", "/NAME/status", "/NAME/finalize", "/NAME/scale", "/NAME/NAME"];
  const paths = [...tails.map((tail) => collection + tail), `${root}/${plural}`];
  paths.push(watched, `${watched}/NAME`, `${root}/watch/${plural}`);
  return paths.map((path) => route(path, kind, apiVersion, schema));
});

const pod = "/api/v1/namespaces/NS/pods/NAME";

const otherRoutes = [
  ...["log", "eviction", "exec", "attach", "portforward", "binding", "ephemeralcontainers"].map(
    (name) => route(`${pod}/${name}`, "Eviction", "policy/v1"),
  ),
  ...["/healthz", "/livez", "/readyz", "/metrics", "/version", "/api", "/apis", "/"].map((path) =>
    route(path),
  ),
  ...["/openapi/v2", "/openapi/v3", "/openapi/v3/apis/batch/v1", "/openapi/v3/NAME"].map((path) =>
    route(path),
  ),
  ...groupVersions.flatMap((version) => [
    route(groupPath(version)),
    ...version.resources.flatMap(({ plural, kind, stored }) =>
      stored === undefined
        ? [
            route(`${groupPath(version)}/${plural}`, kind, version.groupVersion),
            route(`${groupPath(version)}/namespaces/NS/${plural}/NAME`, kind, version.groupVersion),
          ]
        : [],
    ),
  ]),
  route("/api/v1/services"),
  route("/api/v1/namespaces/NS/services/NAME"),
  route("/apis/NAME/NAME/NAME"),
];

/** Those by which objects are made and changed, where most of the code is. */
const mainRoutes = kindRoutes.filter(({ path }) =>
  /^[^w]*\/namespaces\/NS\/[a-z]+(\/NAME)?$/.test(path),
);

const anyRoute = oneof(
  { weight: 2, arbitrary: constantFrom(...mainRoutes) },
  { weight: 1, arbitrary: constantFrom(...kindRoutes, ...otherRoutes) },
);

const namespaceName = oneof(
  { weight: 30, arbitrary: constant("default") },
  { weight: 1, arbitrary: constantFrom("kube-system", "absent", "..", "__proto__", "%2e%2e") },
);

/** `seeded-N` are there when the test begins. */
const objectName = oneof(
  { weight: 20, arbitrary: nat(20).map((n) => `seeded-${n}`) },
  { weight: 2, arbitrary: constantFrom("a", "b", "new-1", "new-2", "kubernetes", "default") },
  {
    weight: 3,
    arbitrary: constantFrom(
      "..",
      ".",
      "%2e%2e",
      "..%2f..%2fsecrets",
      "a%2Fb",
      "%00",
      "%",
      "%zz",
      "%ff%fe",
      "%0d%0a",
      "__proto__",
      "constructor",
      "toString",
      "a%25b",
      "A".repeat(254),
      "é",
      "%F0%9F%8C",
      "a".repeat(1_100),
      ";",
      "*",
      ":name",
      "{a}",
      "-",
      "a,b",
      "a|b",
      "\\",
      "[]",
    ),
  },
  { weight: 1, arbitrary: string({ unit: "binary", maxLength: 12 }).map(encodeURIComponentSafe) },
);

function encodeURIComponentSafe(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

const number = oneof(
  constantFrom("0", "1", "2", "-1", "1e9", "", "NaN", "9999999999999999999", "0x10", " 1"),
  integer().map(String),
);
const queryParameters: Readonly<Record<string, Arbitrary<string>>> = {
  dryRun: constantFrom("All", "All", "", "None", "all"),
  fieldManager: oneof(constantFrom("kubectl", "me", "x".repeat(200)), string({ maxLength: 9 })),
  fieldValidation: constantFrom("Strict", "Warn", "Ignore", "bad", ""),
  force: flagText,
  limit: number,
  continue: oneof(
    constantFrom(
      "abc",
      "e30",
      "%%%",
      Buffer.from('{"v":"meta.k8s.io/v1","rv":-1}').toString("base64"),
    ),
    string({ maxLength: 30 }),
  ),
  resourceVersion: number,
  resourceVersionMatch: constantFrom("Exact", "NotOlderThan", "", "bad"),
  labelSelector: selector,
  fieldSelector: selector,
  sendInitialEvents: flagText,
  allowWatchBookmarks: flagText,
  timeoutSeconds: number,
  watch: flagText,
  gracePeriodSeconds: number,
  propagationPolicy: constantFrom("Foreground", "Background", "Orphan", "bad", ""),
  orphanDependents: flagText,
  includeObject: constantFrom("None", "Metadata", "Object", "bad"),
  pretty: flagText,
  container: oneof(constantFrom("main", ""), string({ maxLength: 5 })),
  follow: flagText,
  tailLines: number,
  sinceTime: constantFrom(ANY_TIME, "yesterday", ""),
  verbose: flagText,
  command: constant("sh"),
  __proto__x: constant("1"),
  "a[b]": constant("1"),
};

const oneParameter = constantFrom(...Object.keys(queryParameters)).chain((name) =>
  (queryParameters[name] ?? constant("")).map(
    (value) => `${name}=${encodeURIComponentSafe(value)}`,
  ),
);
const query = oneof(
  { weight: 6, arbitrary: array(oneParameter, { maxLength: 4 }).map((parts) => parts.join("&")) },
  { weight: 1, arbitrary: constantFrom("?", "&&&", "=", "%", "%zz=%", `a=${"x".repeat(40_000)}`) },
);

const contentTypes = [
  "application/json",
  "application/json; charset=utf-8",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
  "text/plain",
  "multipart/form-data",
  "",
  ";;;",
] as const;

const accept = constantFrom(
  ...Array<string>(20).fill("application/json"),
  "application/json",
  "*/*",
  "application/yaml",
  "text/html",
  "",
  ",",
  "application/json;q=0",
  "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
  "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
  "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
  "application/json;as=Table;v=v9;g=meta.k8s.io",
  "application/vnd.kubernetes.protobuf",
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
  "x/y;".repeat(900),
);

const headers = record({
  accept: option(accept),
  "user-agent": option(constantFrom("kubectl/v1", "/", "", "curl/8", "x".repeat(300))),
  "idempotency-key": option(constantFrom("k1", "k2", "", "é", "x".repeat(400))),
  "content-encoding": option(constantFrom("gzip", "identity", "br"), { freq: 9 }),
  "if-none-match": option(constantFrom("*", '"x"'), { freq: 9 }),
  upgrade: option(constantFrom("websocket", "SPDY/3.1"), { freq: 15 }),
}).map((all) =>
  Object.fromEntries(
    Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== null),
  ),
);

interface Mutation {
  readonly steps: readonly number[];
  readonly field: string;
  readonly value: unknown;
}

const mutation: Arbitrary<Mutation> = record({
  steps: array(nat(9), { maxLength: 8 }),
  field: constantFrom(...fieldNames),
  value: oddValue,
});

/** Follows existing fields as far as the steps go, and sets one there. */
const mutate = (root: Json, { steps, field, value }: Mutation): Json => {
  const copy = structuredClone(root);
  let at: Json = copy;
  let last: [Json, string] | undefined;
  for (const step of steps) {
    const keys = Object.keys(at).filter((key) => typeof at[key] === "object" && at[key] !== null);
    const key = keys[step % (keys.length + 1)];
    if (key === undefined) break;
    last = [at, key];
    at = at[key] as Json;
  }
  if (Array.isArray(at) && last !== undefined) last[0][last[1]] = value;
  else at[field] = value;
  return copy;
};

interface Variation {
  readonly mutations: readonly Mutation[];
  readonly asProtobuf: boolean;
  /** Per mille of the body that is kept. */
  readonly keep: number;
  readonly noise: Uint8Array | null;
  readonly named: string;
}

const variation: Arbitrary<Variation> = record({
  mutations: oneof(constant([]), array(mutation, { maxLength: 3 })),
  asProtobuf: nat(4).map((n) => n === 0),
  keep: oneof({ weight: 6, arbitrary: constant(1_000) }, { weight: 1, arbitrary: nat(1_000) }),
  noise: option(uint8Array({ minLength: 1, maxLength: 40 }), { freq: 6 }),
  named: oneof(
    nat(20).map((n) => `seeded-${n}`),
    nat(5_000).map((n) => `new-${n}`),
    constantFrom("A_B", "", ".."),
  ),
});

const encode = (object: Json, schema: z.ZodObject | undefined, asProtobuf: boolean): Buffer => {
  if (asProtobuf && schema !== undefined) {
    try {
      return encodeProtobuf(object, schema);
    } catch {
      // What was made of it can't be written as protobuf.
    }
  }
  return Buffer.from(JSON.stringify(object));
};

const vary = ({ kind, apiVersion, schema }: Route, name: string, how: Variation): Buffer => {
  const base = { kind, apiVersion, metadata: { name }, ...bodies[kind] };
  const object = how.mutations.reduce(mutate, base as Json);
  const whole = encode(object, schema, how.asProtobuf);
  const cut = whole.subarray(0, Math.ceil((whole.length * how.keep) / 1_000));
  if (how.noise === null) return cut;
  const at = Math.floor(cut.length / 2);
  return Buffer.concat([cut.subarray(0, at), how.noise, cut.subarray(at)]);
};

/** Mostly one that the path takes, so that more than the router is tried. */
const methodOf = (path: string): Arbitrary<string> => {
  const any = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
  const fitting = /NAME(\/status)?$/.test(path)
    ? ["GET", "PUT", "PUT", "PATCH", "PATCH", "PATCH", "DELETE"]
    : ["GET", "GET", "POST", "POST", "POST", "POST", "POST", "POST"];
  return oneof(
    { weight: 9, arbitrary: constantFrom(...fitting) },
    { weight: 1, arbitrary: constantFrom(...any) },
  );
};

const contentTypeOf = (method: string, body: Buffer, pick: number): string => {
  if (body.subarray(0, 3).toString("latin1") === "k8s" && pick % 4 !== 0) return contentTypes[3];
  // Mostly one that the method takes, so that more than the header is tried.
  if (method === "PATCH") return contentTypes[pick % 4 === 0 ? pick : 4 + (pick % 4)] ?? "";
  return contentTypes[pick % 3 === 0 ? pick : (pick % 3) - 1] ?? "";
};

export const fuzzRequest: Arbitrary<FuzzRequest> = tuple(
  anyRoute.chain((where) => tuple(constant(where), methodOf(where.path))),
  tuple(namespaceName, objectName),
  query,
  headers,
  oneof({ weight: 5, arbitrary: variation }, { weight: 1, arbitrary: hostileBody }),
  nat(contentTypes.length - 1),
).map(([[where, method], [namespace, name], parameters, given, content, pick]) => {
  const path = where.path.replaceAll("NS", namespace).replaceAll("NAME", name);
  const bodiless = method === "GET" || method === "HEAD" || method === "OPTIONS";
  const body =
    bodiless || (method === "DELETE" && pick % 2 === 0)
      ? undefined
      : typeof content === "string"
        ? Buffer.from(content)
        : vary(
            method === "DELETE" ? { ...where, kind: "DeleteOptions" } : where,
            method === "POST" || pick % 5 === 0 ? content.named : name,
            content,
          );
  const type = body === undefined ? "" : contentTypeOf(method, body, pick);
  return {
    method,
    path: parameters === "" ? path : `${path}?${parameters}`,
    headers: type === "" ? given : { ...given, "content-type": type },
    body,
  };
});
