// F9 and F10: what makes a Job succeed.
import { describe, expect, it } from "vitest";
import { testJob } from "../../test/job-driver.ts";
import { IndexSet } from "../index-set.ts";
import type { SuccessPolicyRule } from "../schema/batch.ts";
import { completionsReached } from "./completion.ts";
import { succeededByPolicy } from "./success-policy.ts";

const indexes = (succeeded: string) => ({
  storedSucceeded: IndexSet.empty,
  succeeded: IndexSet.parse(succeeded, 10),
  storedFailed: undefined,
  failed: undefined,
});

describe("F9: successPolicy", () => {
  it.each<[string, SuccessPolicyRule[], string, number | undefined]>([
    ["a count", [{ succeededCount: 2 }], "0,4", 0],
    ["a count not reached", [{ succeededCount: 3 }], "0,4", undefined],
    ["all of the indexes", [{ succeededIndexes: "0,2-3" }], "0,2,3", 0],
    ["not all of them", [{ succeededIndexes: "0,2-3" }], "0,1,2", undefined],
    ["a count among indexes", [{ succeededIndexes: "1-4", succeededCount: 2 }], "0,2,4", 0],
    ["too few among them", [{ succeededIndexes: "1-4", succeededCount: 2 }], "0,4", undefined],
    ["the second rule", [{ succeededIndexes: "0,4" }, { succeededCount: 2 }], "0,2", 1],
    ["a list beyond completions", [{ succeededIndexes: "9" }], "0", undefined],
    ["count 0, before any success", [{ succeededCount: 0 }], "", undefined],
  ])("%s", (_, rules, succeeded, at) => {
    const job = testJob({ completionMode: "Indexed", completions: 5, successPolicy: { rules } });
    expect(succeededByPolicy(job, indexes(succeeded))).toEqual(
      at === undefined
        ? undefined
        : {
            type: "SuccessCriteriaMet",
            reason: "SuccessPolicy",
            message: `Matched rules at index ${at}`,
          },
    );
  });

  it("no policy, no Indexed Job: no match", () => {
    expect(succeededByPolicy(testJob({ completions: 1 }), indexes("0"))).toBeUndefined();
    expect(succeededByPolicy(testJob(), undefined)).toBeUndefined();
  });
});

describe("F10, R19: completions", () => {
  it.each([
    [undefined, 0, 0, false],
    [undefined, 1, 1, false],
    [undefined, 1, 0, true],
    [3, 2, 0, false],
    [3, 3, 1, false],
    [3, 3, 0, true],
    [3, 5, 0, true],
    [0, 0, 0, true],
  ])("completions %s, %i succeeded, %i active: %s", (completions, succeeded, active, over) => {
    expect(completionsReached(testJob({ completions }), succeeded, active)?.reason).toBe(
      over ? "CompletionsReached" : undefined,
    );
  });
});
