// The command line as commander understands it; the commands themselves are not run.
import type { Command } from "commander";
import { afterEach, describe, expect, test, vi } from "vitest";
import { program } from "./program.ts";

/** Parses, and gives the options the command would get. */
async function options(
  words: string[],
  env: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  for (const [key, value] of Object.entries(env)) vi.stubEnv(key, value);
  const gantry = quiet(program());
  const command = gantry.commands.find((one) => one.name() === words[0]);
  if (command === undefined) throw new Error(`no command ${words[0]}`);
  command.action(() => undefined);
  await gantry.parseAsync(words, { from: "user" });
  const given = command.opts<Record<string, unknown>>();
  return { ...given, args: command.processedArgs };
}

function quiet(gantry: Command): Command {
  for (const command of [gantry, ...gantry.commands]) {
    command
      .exitOverride()
      .configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  }
  return gantry;
}

afterEach(() => vi.unstubAllEnvs());

describe("options", () => {
  test("up listens on loopback with every local runtime by default", async () => {
    expect(await options(["up"], { GANTRY_REDIS_URL: "" })).toMatchObject({
      listen: "127.0.0.1:7443",
      runtime: ["process", "simulated"],
    });
  });

  test("the environment is below the command line", async () => {
    const env = {
      GANTRY_REDIS_URL: "redis://env",
      GANTRY_DATA_DIR: "/env",
      GANTRY_RUNTIME: "simulated",
    };
    expect(await options(["up"], env)).toMatchObject({
      redis: "redis://env",
      dataDir: "/env",
      runtime: ["simulated"],
    });
    expect(await options(["up", "--redis", "redis://flag"], env)).toMatchObject({
      redis: "redis://flag",
    });
  });

  test("limits of the API are numbers within their bounds", async () => {
    const limits = ["--max-pending-jobs", "5", "--max-inflight", "7", "--max-redis-memory", "60"];
    for (const command of ["api", "up"]) {
      expect(await options([command, ...limits])).toMatchObject({
        maxPendingJobs: 5,
        maxInflight: 7,
        maxRedisMemory: 60,
      });
    }
    await expect(options(["up", "--max-redis-memory", "101"])).rejects.toThrow("100 or less");
    await expect(options(["up", "--max-inflight", "0"])).rejects.toThrow("1 or more");
  });

  test("the ecs runtime's file is taken by every command that may start a worker", async () => {
    const env = { GANTRY_ECS_CONFIG: "/env.json" };
    for (const words of [["up"], ["worker"], ["run", "job.yaml"]]) {
      expect(await options([...words, "--runtime", "ecs"], env)).toMatchObject({
        runtime: ["ecs"],
        ecsConfig: "/env.json",
      });
    }
  });

  test("delete waits unless told not to; several files and names go together", async () => {
    expect(await options(["delete", "-f", "a", "b"])).toMatchObject({
      filename: ["a", "b"],
      wait: true,
    });
    expect(await options(["delete", "job", "x", "--no-wait"])).toMatchObject({
      wait: false,
      args: [["job", "x"]],
    });
  });

  test("wait takes kubectl's form", async () => {
    const words = ["wait", "job/pi", "--for=condition=complete", "--timeout=5s"];
    expect(await options(words)).toMatchObject({ for: "condition=complete", timeout: "5s" });
  });

  test.each([
    [["up", "--runtime", "process,warp"], "no runtime warp"],
    [["up", "--concurrency", "0"], "1 or more"],
    [["logs", "p", "--tail", "x"], "whole number"],
    [["run"], "missing required argument"],
    [["apply"], "-f, --filename"],
    [["get", "jobs", "--colour"], "unknown option"],
    [["worker", "--drain", "later"], "Allowed choices"],
  ])("%j is refused", async (words, message) => {
    await expect(options(words)).rejects.toThrow(message);
  });
});
