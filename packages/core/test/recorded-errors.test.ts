// Every recorded error body is rebuilt by the constructors, byte for byte.
// Skipped where the recordings are not beside the checkout.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  alreadyExists,
  applyConflicts,
  badRequest,
  invalidObject,
  invalidRequest,
  noSuchResource,
  notAcceptable,
  notFound,
  tooLargeResourceVersion,
  uidPrecondition,
  unsupportedMediaType,
  unsupportedPatchType,
} from "../src/apimachinery/errors.ts";
import type { ApiError } from "../src/apimachinery/errors.ts";
import { forbidden, invalid, notSupported, required } from "../src/apimachinery/field-error.ts";
import { fieldPath } from "../src/apimachinery/field-path.ts";

const recording = new URL("../../../../shared/wire/exchanges-kubectl-1.32.jsonl", import.meta.url);

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
  [465, "409 apply conflict", applyConflicts([{ manager: "me", field: ".metadata.labels.x" }])],
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

describe.skipIf(bodies.size === 0)("1.1, 1.2: bodies equal the recorded ones", () => {
  it.each(cases)("exchange %i: %s", (n, _title, error) => {
    expect(JSON.stringify(error.status)).toBe(bodies.get(n));
  });
});
