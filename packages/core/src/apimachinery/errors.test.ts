import { describe, expect, it } from "vitest";
import {
  expired,
  forbiddenRequest,
  internal,
  invalidObject,
  methodNotAllowed,
  namespaceTerminating,
  objectModified,
  resourceVersionPrecondition,
  serviceUnavailable,
  timedOut,
  tooLarge,
  tooManyRequests,
  unauthorized,
} from "./errors.ts";
import type { ApiError } from "./errors.ts";
import { duplicate, invalid, invalidNoValue, tooLong, tooMany } from "./field-error.ts";
import { fieldPath } from "./field-path.ts";

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
    [
      "E5: quoted as Go quotes",
      invalid("f", 'a"\n\u0000é', ""),
      'f: Invalid value: "a\\"\\n\\x00é"',
    ],
    ["E5: null", invalid("f", null, "x"), "f: Invalid value: null: x"],
    ["E5: compact JSON", invalid("f", { a: ["<"] }, ""), 'f: Invalid value: {"a":["\\u003c"]}'],
    ["E5: boolean", invalid("f", true, "x"), "f: Invalid value: true: x"],
  ])("%s", (_title, error, text) => {
    expect(body(error)).toBe(text);
  });

  it("E6: paths", () => {
    const path = fieldPath("spec")
      .child("rules")
      .index(0)
      .child("labels")
      .key("a/b")
      .child("c", "d");
    expect(path.toString()).toBe("spec.rules[0].labels[a/b].c.d");
    expect(fieldPath().child("spec").toString()).toBe("spec");
  });
});
