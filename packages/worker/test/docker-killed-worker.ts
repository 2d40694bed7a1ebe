// A worker in a process of its own, to be killed: launches one Pod and prints what it observes.
// node docker-killed-worker.js OPTIONS_JSON POD_JSON
import { DockerRuntime, type DockerRuntimeOptions } from "../src/docker/docker-runtime.ts";
import type { RunnablePod } from "../src/runtime.ts";

const [options = "", pod = ""] = process.argv.slice(2);
const runtime = await DockerRuntime.open(JSON.parse(options) as DockerRuntimeOptions);
const runnable = { ...(JSON.parse(pod) as RunnablePod), sources: new Map() };
runtime.launch(runnable, {
  observed: (observation) => process.stdout.write(`${JSON.stringify(observation)}\n`),
  event: () => {},
});
