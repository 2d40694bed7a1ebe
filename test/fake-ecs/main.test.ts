// The fake by hand: its command, its environment, its control endpoints.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ECSClient, RegisterTaskDefinitionCommand, RunTaskCommand } from "@aws-sdk/client-ecs";
import { parseEcsSettings } from "@gantry/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { definition, fargate, shell, until } from "./fixture.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "fake-ecs-test-"));

beforeAll(() => {
  const tsc = join(here, "../../node_modules/.bin/tsc");
  execFileSync(tsc, ["-p", here], { stdio: "inherit" });
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const main = join(here, "dist/main.js");

test("it prints an environment that the SDK works with, answers control requests, and cleans up on SIGTERM", async () => {
  const journal = join(scratch, "journal");
  const child = spawn(
    process.execPath,
    [main, "--port", "0", "--journal", journal, "--cluster", "gantry"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += String(chunk)));
  try {
    await until("the environment", () =>
      output.includes("The queue of task events") ? true : undefined,
    );
    const environment = Object.fromEntries(
      [...output.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    );
    expect(Object.keys(environment).toSorted()).toEqual([
      "AWS_ACCESS_KEY_ID",
      "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
      "AWS_ENDPOINT_URL_ECS",
      "AWS_ENDPOINT_URL_SQS",
      "AWS_REGION",
      "AWS_SECRET_ACCESS_KEY",
    ]);
    const endpoint = environment["AWS_ENDPOINT_URL_ECS"] ?? "";
    const ecs = new ECSClient({
      endpoint,
      region: "us-east-1",
      credentials: { accessKeyId: "fake", secretAccessKey: "fake" },
    });
    const made = await ecs.send(
      new RegisterTaskDefinitionCommand(definition([shell("exec sleep 1000")])),
    );
    const taskDefinition = made.taskDefinition?.taskDefinitionArn ?? "";
    const { tasks } = await ecs.send(
      new RunTaskCommand(fargate(taskDefinition, { cluster: "gantry" })),
    );
    ecs.destroy();
    const arn = tasks?.[0]?.taskArn;
    const get = async (path: string) =>
      (await fetch(endpoint + path)).json() as Promise<
        { taskArn: string; containers: { pid: number }[] }[]
      >;
    const pid = await until(
      "its process",
      async () => (await get("/_fake/live"))[0]?.containers[0]?.pid,
    );
    expect(await get("/_fake/runs")).toMatchObject([{ taskArn: arn }]);
    expect(await get("/_fake/problems")).toEqual({ violations: [], defects: [] });
    expect((await fetch(`${endpoint}/nothing`)).status).toBe(404);
    const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(
      readFileSync(journal, "utf8")
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { what: string }).what),
    ).toEqual(["task", "ended"]);
  } finally {
    child.kill("SIGKILL");
  }
});

test("it writes what a Gantry needs to run its Pods there", async () => {
  const directory = join(scratch, "for-gantry");
  const child = spawn(process.execPath, [main, "--port", "0", "--gantry", directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += String(chunk)));
  try {
    await until("the files", () => (output.includes("For Gantry: ") ? true : undefined));
    const env = output.match(/^For Gantry: \. (.*)$/m)?.[1] ?? "";
    const told = execFileSync("/bin/sh", ["-c", `. ${env}; env`], { encoding: "utf8" });
    const url = /^The queue of task events: (.*)$/m.exec(output)?.[1];
    expect(told).toContain("GANTRY_RUNTIME=ecs\n");
    const config = /^GANTRY_ECS_CONFIG=(.*)$/m.exec(told)?.[1] ?? "";
    const settings = parseEcsSettings(JSON.parse(readFileSync(config, "utf8")));
    expect(settings.watch.queueUrl).toBe(url);
  } finally {
    child.kill("SIGKILL");
  }
});

test("a wrong option says what it takes", () => {
  const run =
    (...args: string[]) =>
    () =>
      execFileSync(process.execPath, [main, ...args], { stdio: "pipe" });
  expect(run("--faults", "some")).toThrow("--faults: off, mild or wild");
  expect(run("--port", "x")).toThrow('--port: "x" is no number');
  expect(String(run("--help")())).toContain("npm run fake-ecs");
});
