// The official Python client (python3-kubernetes of Debian), where it is installed.
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { gantryUp, runProgram } from "../support/gantry.ts";

const script = fileURLToPath(new URL("../clients/python/session.py", import.meta.url));

const hasClient = (python: string): Promise<boolean> =>
  runProgram(python, ["-c", "import kubernetes"]).then(
    ({ code }) => code === 0,
    () => false,
  );

const pythons = ["python3", "/usr/bin/python3"];
const found = (await Promise.all(pythons.map(hasClient))).indexOf(true);
const reason = found === -1 ? " (skipped: no Python has the package kubernetes)" : "";

test.skipIf(found === -1)(`the Python client${reason}`, { timeout: 60_000 }, async () => {
  const gantry = await gantryUp("--runtime", "process");
  try {
    const done = await runProgram(pythons[found] ?? "", [script, gantry.kubeconfig]);
    expect(done.stderr).toBe("");
    expect(JSON.parse(done.stdout)).toEqual({
      watched: "MODIFIED",
      log: "hello\n",
      exec: ["got hello\n", "err\n", 5],
      label: "b",
      gone: 404,
    });
  } finally {
    await gantry.stop();
  }
});
