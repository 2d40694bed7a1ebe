// The shared suite on the simulated runtime, and its annotations.
import { expect, test } from "vitest";
import { SimulatedRuntime } from "../src/simulated/simulated-runtime.ts";
import { launch, runnable, runtimeSuite, until } from "./runtime-suite.ts";

runtimeSuite("simulated", async () => new SimulatedRuntime(), { programs: false, noVolumes: null });

const spec = { containers: [{ name: "main", image: "any" }] };
const pod = (annotations: Record<string, string>, labels: Record<string, string> = {}) =>
  runnable(spec, { annotations, labels });

test("run-ms 0: Running and the end come at once, in order", () => {
  const trial = launch(new SimulatedRuntime(), pod({}));
  expect(trial.observations.map(({ phase }) => phase)).toEqual(["Running", "Succeeded"]);
});

test.each([
  ["3", undefined, 3],
  ["0:1,7:42", "7", 42],
  ["0:1,7:42", "0", 1],
  ["0:1,7:42", "5", 0],
])("simulated-exit-code %s at index %s: %i", async (codes, index, exitCode) => {
  const annotations = {
    "gantry.dev/simulated-exit-code": codes,
    ...(index === undefined ? {} : { "batch.kubernetes.io/job-completion-index": index }),
  };
  const last = await launch(new SimulatedRuntime(), pod(annotations)).ended;
  expect(last.containers[0]?.exitCode).toBe(exitCode);
  expect(last.phase).toBe(exitCode === 0 ? "Succeeded" : "Failed");
});

test("simulated-fail-first: the first Pods of each Job fail", async () => {
  const runtime = new SimulatedRuntime();
  const phases: string[] = [];
  for (const job of ["a", "a", "b", "a"]) {
    const labels = { "batch.kubernetes.io/controller-uid": job };
    phases.push(
      (await launch(runtime, pod({ "gantry.dev/simulated-fail-first": "2" }, labels)).ended).phase,
    );
  }
  expect(phases).toEqual(["Failed", "Failed", "Failed", "Succeeded"]);
});

test("simulated-run-ms and simulated-stop-ms; the grace bounds the latter", async () => {
  const runtime = new SimulatedRuntime();
  const annotations = {
    "gantry.dev/simulated-run-ms": "600000",
    "gantry.dev/simulated-stop-ms": "600000",
  };
  const trial = launch(runtime, pod(annotations));
  trial.running?.stop(30);
  expect(await runtime.list()).toHaveLength(1);
  trial.running?.stop(0);
  expect((await trial.ended).containers[0]).toMatchObject({ exitCode: 137, signal: 9 });
  await until("forgotten", async () => (await runtime.list()).length === 0);
});
