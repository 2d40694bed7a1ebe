// Every recorded error body is rebuilt by the constructors, byte for byte.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  alreadyExists,
  applyConflicts,
  badRequest,
  expired,
  forbiddenRequest,
  internal,
  invalidObject,
  invalidRequest,
  methodNotAllowed,
  namespaceTerminating,
  noSuchResource,
  notAcceptable,
  notFound,
  objectModified,
  resourceVersionPrecondition,
  serviceUnavailable,
  timedOut,
  tooLarge,
  tooLargeResourceVersion,
  tooManyRequests,
  uidPrecondition,
  unauthorized,
  unsupportedMediaType,
  unsupportedPatchType,
} from "./errors.ts";
import type { ApiError } from "./errors.ts";
import { forbidden, invalid, invalidNoValue, notSupported, required, tooLong, tooMany } from "./field-error.ts";
import { duplicate } from "./field-error.ts";
import { fieldPath } from "./field-path.ts";

const recording = new URL(
  "../../../../../shared/wire/exchanges-kubectl-1.32.jsonl",
  import.meta.url,
);

interface Exchange {
  readonly n: number;
  readonly response: { readonly status: number; readonly body?: string };
}

const bodies = new Map<number, string>();
if (existsSync(recording)) {
  for (const line of readFileSync(recording, "utf8").split("\n")) {
    if (line === "") continue;
    const { n, response } = JSON.parse(line) as Exchange;
    if (response.status >= 400) bodies.set(n, JSON.stringify(JSON.parse(bodyText(response.body))));
  }
}

function bodyText(body: string | undefined): string {
  return body?.trimStart().startsWith("{") ? body : "null";
}

const media = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const containers = fieldPath("spec", "template", "spec", "containers");
const restartPolicy = fieldPath("spec", "template", "spec", "restartPolicy");
const cases: readonly [n: number, title: string, error: ApiError][] = [
  [31, "404 not found", notFound("jobs", "batch", "pi")],
  [92, "409 already exists", alreadyExists("jobs", "batch", "pi-fixed")],
  [236, "422 JSON patch test failed", invalidRequest()],
  [
    239,
    "422 one error (E1, E4)",
    invalidObject("Job", "batch", "l1", [
      invalid(fieldPath("spec").child("completions"), 7, "field is immutable"),
    ]),
  ],
  [
    438,
    "422 options",
    invalidObject("ListOptions", "meta.k8s.io", "", [
      forbidden(
        "resourceVersionMatch",
        "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
      ),
    ]),
  ],
  [440, "504 version too large", tooLargeResourceVersion("999999999", "391")],
  [446, "406", notAcceptable(media)],
  [
    454,
    "422 several errors (E2)",
    invalidObject("Job", "batch", "min", [
      required(containers),
      required(restartPolicy, 'valid values: "OnFailure", "Never"'),
    ]),
  ],
  [455, "415 body", unsupportedMediaType(media)],
  [458, "404 core group", notFound("namespaces", "", "other")],
  [
    461,
    "400 name",
    badRequest("the name of the object (other) does not match the name on the URL (pi)"),
  ],
  [462, "415 patch", unsupportedPatchType()],
  [
    465,
    "409 apply conflict",
    applyConflicts([{ manager: "me", field: ".metadata.labels.x" }]),
  ],
  [467, "404 resource", noSuchResource()],
  [
    470,
    "409 UID precondition",
    uidPrecondition("Job", "batch", "pi", {
      given: "00000000-0000-0000-0000-000000000000",
      stored: "c7a23b85-d7b0-4179-b99d-3b8a1f44724d",
    }),
  ],
  [
    472,
    "422 NotSupported (E5)",
    invalidObject("DeleteOptions", "meta.k8s.io", "", [
      notSupported("propagationPolicy", "Sideways", ["Foreground", "Background", "Orphan", "nil"]),
    ]),
  ],
];

describe.skipIf(bodies.size === 0)("1.1, 1.2: bodies equal the recorded ones (skipped without recordings)", () => {
  it.each(cases)("exchange %i: %s", (n, _title, error) => {
    expect(JSON.stringify(error.status)).toBe(bodies.get(n));
  });
});

describe("1.2: errors that no recording has", () => {
  it.each<[string, ApiError, number, string, string]>([
    [
      "stale resourceVersion",
      objectModified("jobs", "batch", "x"),
      409,
      "Conflict",
      'Operation cannot be fulfilled on jobs.batch "x": the object has been modified; ' +
        "please apply your changes to the latest version and try again",
    ],
    [
      "resourceVersion precondition",
      resourceVersionPrecondition("Job", "batch", "x", { given: "1", stored: "2" }),
      409,
      "Conflict",
      'Operation cannot be fulfilled on Job.batch "x": the ResourceVersion in the precondition (1) ' +
        "does not match the ResourceVersion in record (2). The object might have been modified",
    ],
    ["401", unauthorized(), 401, "Unauthorized", "Unauthorized"],
    [
      "403 with a name",
      forbiddenRequest("jobs", "batch", "x", "no"),
      403,
      "Forbidden",
      'jobs.batch "x" is forbidden: no',
    ],
    [
      "403 without a name",
      forbiddenRequest("pods", "", "", "no"),
      403,
      "Forbidden",
      "pods is forbidden: no",
    ],
    [
      "405",
      methodNotAllowed(),
      405,
      "MethodNotAllowed",
      "the server does not allow this method on the requested resource",
    ],
    [
      "413",
      tooLarge(3145728),
      413,
      "RequestEntityTooLarge",
      "Request entity too large: limit is 3145728",
    ],
    ["410", expired("too old"), 410, "Expired", "too old"],
    ["504", timedOut("slow", 2), 504, "Timeout", "Timeout: slow"],
    ["500", internal("boom"), 500, "InternalError", "Internal error occurred: boom"],
    ["503", serviceUnavailable("later"), 503, "ServiceUnavailable", "later"],
  ])("%s", (_title, error, code, reason, message) => {
    expect([error.code, error.reason, error.message]).toEqual([code, reason, message]);
  });

  it("429 says when to retry", () => {
    expect(tooManyRequests("slow down", 3).status.details).toEqual({ retryAfterSeconds: 3 });
  });

  it("a terminating namespace is named as the cause", () => {
    const { status } = namespaceTerminating("jobs", "batch", "x", "old");
    expect(status.message).toBe(
      'jobs.batch "x" is forbidden: unable to create new content in namespace old ' +
        "because it is being terminated",
    );
    expect(status.details?.causes).toEqual([
      {
        reason: "NamespaceTerminating",
        message: "namespace old is being terminated",
        field: "metadata.namespace",
      },
    ]);
  });
});

describe("E2..E6: field errors", () => {
  const body = (...errors: Parameters<typeof invalidObject>[3]): string =>
    invalidObject("Job", "batch", "x", errors).message.replace('Job.batch "x" is invalid: ', "");

  it("E2: identical texts appear once in the message, twice in causes", () => {
    const error = invalid("spec.a", 1, "no");
    expect(body(error, error)).toBe("spec.a: Invalid value: 1: no");
    const { status } = invalidObject("Job", "batch", "x", [error, error]);
    expect(status.details?.causes).toHaveLength(2);
  });

  it.each([
    ["E4: no value", invalidNoValue("f", "why"), "f: Invalid value: why"],
    ["E4: duplicate", duplicate("f", "a"), 'f: Duplicate value: "a"'],
    ["E4: too long", tooLong("f", "", 63), "f: Too long: may not be more than 63 bytes"],
    ["E4: too many", tooMany("f", 21, 20), "f: Too many: 21: must have at most 20 items"],
    ["E5: quoted as Go quotes", invalid("f", 'a"\n\u0000é', ""), 'f: Invalid value: "a\\"\\n\\x00é"'],
    ["E5: null", invalid("f", null, "x"), "f: Invalid value: null: x"],
    ["E5: compact JSON", invalid("f", { a: ["<"] }, ""), 'f: Invalid value: {"a":["\\u003c"]}'],
    ["E5: boolean", invalid("f", true, "x"), "f: Invalid value: true: x"],
  ])("%s", (_title, error, text) => {
    expect(body(error)).toBe(text);
  });

  it("E6: paths", () => {
    const path = fieldPath("spec").child("rules").index(0).child("labels").key("a/b").child("c", "d");
    expect(path.toString()).toBe("spec.rules[0].labels[a/b].c.d");
    expect(fieldPath().child("spec").toString()).toBe("spec");
  });
});
