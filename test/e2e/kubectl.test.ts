// The real kubectl, with the kubeconfig that `gantry up` writes.
import { spawn } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { example, gantryUp, type Installation, runProgram } from "../support/gantry.ts";
import { waitFor } from "../support/wait-for.ts";

const found = await runProgram("kubectl", ["version", "--client"]).then(
  ({ code }) => code === 0,
  () => false,
);

describe.skipIf(!found)("kubectl (skipped where it is not on the PATH)", () => {
  let gantry: Installation;
  beforeAll(async () => {
    gantry = await gantryUp();
  });
  afterAll(() => gantry.stop());
  const kubectl = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await gantry.kubectl(...args);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: exit ${code}: ${stderr}`);
    return stdout;
  };

  test("the kubeconfig is for its owner only, and the token is asked for", async () => {
    expect((await stat(gantry.kubeconfig)).mode & 0o777).toBe(0o600);
    const config = await readFile(gantry.kubeconfig, "utf8");
    const token = (await readFile(join(gantry.dataDir, "token"), "utf8")).trim();
    const other = join(gantry.dataDir, "kubeconfig-wrong");
    await writeFile(other, config.replace(token, "wrong"));
    const wrong = await runProgram("kubectl", ["--kubeconfig", other, "get", "jobs"]);
    expect(wrong.code).not.toBe(0);
    expect(wrong.stderr).toMatch(/Unauthorized|logged in/);
  });

  test("apply, wait, get, describe, logs, delete", async () => {
    expect(await kubectl("apply", "-f", example("pi-fixed.yaml"))).toBe(
      "job.batch/pi-fixed created\n",
    );
    expect(await kubectl("wait", "--for=condition=complete", "job/pi-fixed", "--timeout=60s")).toBe(
      "job.batch/pi-fixed condition met\n",
    );
    const [head, row] = (await kubectl("get", "job", "pi-fixed")).trim().split("\n");
    expect(head).toMatch(/^NAME +STATUS +COMPLETIONS +DURATION +AGE$/);
    expect(row).toMatch(/^pi-fixed +Complete +6\/6 +\d+s +\d+s$/);
    const pods = (await kubectl("get", "pods", "-l", "job-name=pi-fixed", "--no-headers")).trim();
    expect(pods.split("\n")).toHaveLength(6);
    for (const line of pods.split("\n")) {
      expect(line).toMatch(/^pi-fixed-[a-z0-9]{5} +0\/1 +Completed +0 +\d+s$/);
    }
    const description = await kubectl("describe", "job", "pi-fixed");
    expect(description).toContain("Pods Statuses:    0 Active (0 Ready) / 6 Succeeded / 0 Failed");
    await waitFor("the Events", async () =>
      (await kubectl("describe", "job", "pi-fixed")).includes("Job completed") ? true : undefined,
    );
    expect(await kubectl("logs", "job/pi-fixed")).toMatch(/^3\.1415/);
    expect(await kubectl("apply", "-f", example("pi-fixed.yaml"))).toBe(
      "job.batch/pi-fixed unchanged\n",
    );
    expect(await kubectl("delete", "job", "pi-fixed")).toMatch(/^job\.batch "pi-fixed" deleted/);
    await waitFor("the Pods to be collected", async () =>
      (await kubectl("get", "pods", "-o", "name")) === "" ? true : undefined,
    );
  });

  test("create fails for a name that exists, and a bad manifest tells its field", async () => {
    await kubectl("create", "-f", example("suspend.yaml"));
    const again = await gantry.kubectl("create", "-f", example("suspend.yaml"));
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("already exists");
    const dry = ["create", "job", "bad", "--image=x", "--dry-run=server"];
    const bad = await gantry.kubectl(...dry);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain("spec.template.spec.containers[0].command");
    expect((await gantry.kubectl(...dry, "--", "true")).code).toBe(0);
    await kubectl("delete", "-f", example("suspend.yaml"));
  });

  test("get -w shows the Job's way, logs -f follows to the end", async () => {
    const watch = spawn("kubectl", ["--kubeconfig", gantry.kubeconfig, "get", "jobs", "-w"]);
    let seen = "";
    watch.stdout.on("data", (data: Buffer) => (seen += data.toString()));
    await kubectl("apply", "-f", example("pi.yaml"));
    await waitFor("a Pod to run", async () =>
      (await kubectl("get", "pods", "-l", "job-name=pi")).includes("Running") ? true : undefined,
    );
    const log = await kubectl("logs", "-f", "job/pi");
    expect(log.trim()).toHaveLength(2001);
    await waitFor("the watch to show the end", () =>
      /pi +Complete +1\/1/.test(seen) ? true : undefined,
    );
    expect(seen).toMatch(/pi +Running +0\/1/);
    watch.kill();
  });

  test("a command that does not exist: StartError and exit code 128", async () => {
    await kubectl("create", "job", "nothing", "--image=x", "--", "no-such-program");
    const terminated = await waitFor("the Pod to fail", async () => {
      const text = await kubectl("get", "pods", "-l", "job-name=nothing", "-o", "json");
      const { items } = JSON.parse(text) as {
        items: { status: { containerStatuses?: { state: { terminated?: object } }[] } }[];
      };
      return items[0]?.status.containerStatuses?.[0]?.state.terminated;
    });
    expect(terminated).toMatchObject({ exitCode: 128, reason: "StartError" });
    await kubectl("delete", "job", "nothing");
  });

  test("the TTL deletes a finished Job with its Pods", async () => {
    await kubectl("apply", "-f", example("ttl.yaml"));
    await kubectl("wait", "--for=condition=complete", "job/ttl", "--timeout=30s");
    await kubectl("wait", "--for=delete", "job/ttl", "--timeout=30s");
    await waitFor("its Pods to go", async () =>
      (await kubectl("get", "pods", "-l", "job-name=ttl", "-o", "name")) === "" ? true : undefined,
    );
  });

  test("what every namespace has comes back when it is deleted", async () => {
    await kubectl("create", "namespace", "team");
    const contents = "serviceaccount/default configmap/kube-root-ca.crt".split(" ");
    const before = await kubectl("get", ...contents, "-n", "team", "-o", "name");
    await kubectl("delete", "configmaps", "--all", "-n", "team");
    await kubectl("delete", "serviceaccount", "default", "-n", "team");
    await waitFor("both to be there again", async () => {
      const again = await gantry.kubectl("get", ...contents, "-n", "team", "-o", "name");
      return again.stdout === before ? true : undefined;
    });
    await kubectl("delete", "namespace", "team", "--timeout=30s");
  });
});
