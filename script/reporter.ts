// Counts the tests of a run for script/test: the reason of each skip, and a closing line, into a file.
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { Reporter, SerializedError, TestCase, TestModule } from "vitest/node";

export interface Counts {
  passed: number;
  failed: number;
  readonly skipped: { readonly title: string; readonly reason: string }[];
}

/** A file that could not be loaded, and an error outside any test, count as one failure each. */
export function count(
  modules: readonly Pick<TestModule, "children" | "errors">[],
  errors: readonly unknown[],
): Counts {
  const counts: Counts = { passed: 0, failed: errors.length, skipped: [] };
  for (const module of modules) {
    counts.failed += module.errors().length;
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === "passed") counts.passed++;
      else if (result.state === "skipped") counts.skipped.push(skipOf(test, result.note));
      else counts.failed++;
    }
  }
  return counts;
}

function skipOf(test: TestCase, note: string | undefined): { title: string; reason: string } {
  const file = relative(process.cwd(), test.module.moduleId);
  return { title: `${file}: ${test.fullName}`, reason: note ?? "no reason given" };
}

export function summary({ passed, failed, skipped }: Counts): string {
  const lines = skipped.map(({ title, reason }) => `skipped: ${title}: ${reason}`);
  return [...lines, `${passed} passed, ${failed} failed, ${skipped.length} skipped`, ""].join("\n");
}

// vitest takes a reporter as a default export.
// oxlint-disable-next-line import/no-default-export
export default class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const file = process.env["GANTRY_TEST_SUMMARY"];
    const text = summary(count(modules, errors));
    if (file === undefined) process.stdout.write(text);
    else writeFileSync(file, text);
  }
}
