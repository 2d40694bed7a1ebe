// The Status on the error channel, as a kubelet writes it: clients take the exit code from it.
import { expect, test } from "vitest";
import { endStatus } from "./websocket-session.ts";

test.each([
  [{ kind: "exited", exitCode: 0 } as const, { metadata: {}, status: "Success" }],
  [{ kind: "detached" } as const, { metadata: {}, status: "Success" }],
  [
    { kind: "exited", exitCode: 3 } as const,
    {
      metadata: {},
      status: "Failure",
      message: "command terminated with non-zero exit code: exit status 3",
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: "3" }] },
    },
  ],
  [
    { kind: "failed", message: "no such program" } as const,
    {
      metadata: {},
      status: "Failure",
      message: "Internal error occurred: error executing command in container: no such program",
      reason: "InternalError",
      details: { causes: [{ message: "error executing command in container: no such program" }] },
      code: 500,
    },
  ],
])("%j", (end, status) => {
  expect(endStatus(end)).toEqual(status);
});
