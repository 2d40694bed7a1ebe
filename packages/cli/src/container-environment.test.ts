// A container's environment: passwords go into the URL, files into the data directory, nothing stays.
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { takeEnvironment, withPassword } from "./container-environment.ts";

describe("a password for Redis", () => {
  test.each([
    ["redis://host:6379", "redis://:p%40ss%2F@host:6379"],
    ["rediss://gantry@host:6379/2", "rediss://gantry:p%40ss%2F@host:6379/2"],
    ["rediss+cluster://gantry@a:1,b:2", "rediss+cluster://gantry:p%40ss%2F@a:1,b:2"],
    ["redis+sentinel://a:1,b:2/main", "redis+sentinel://:p%40ss%2F@a:1,b:2/main"],
    ["redis://user:own@host", "redis://user:own@host"],
    ["redis://:own@host", "redis://:own@host"],
    ["unix:///run/redis.sock", "unix:///run/redis.sock"],
  ])("in %s", (url, expected) => expect(withPassword(url, "p@ss/")).toBe(expected));
});

describe("the environment of a container", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "gantry-container-"));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test("gives its texts as files that only their owner reads, and keeps no secret", () => {
    const root = join(dir, "data");
    const env: Record<string, string | undefined> = {
      GANTRY_DATA_DIR: root,
      GANTRY_SECRETS_KEYS: "key",
      GANTRY_ECS_SETTINGS: '{"engineId":"gantry"}',
      GANTRY_REDIS_URL: "rediss://host",
      GANTRY_REDIS_PASSWORD: "secret",
      GANTRY_TOKEN: "stays",
    };
    takeEnvironment(env);
    expect(env).toEqual({
      GANTRY_DATA_DIR: root,
      GANTRY_SECRETS_KEY: join(root, "secrets-key"),
      GANTRY_ECS_CONFIG: join(root, "ecs-config.json"),
      GANTRY_REDIS_URL: "rediss://:secret@host",
      GANTRY_TOKEN: "stays",
    });
    expect(readFileSync(join(root, "secrets-key"), "utf8")).toBe("key\n");
    expect(statSync(join(root, "secrets-key")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(root, "ecs-config.json"), "utf8")).toContain("gantry");
  });

  test("without any of it stays as it is", () => {
    const env = { GANTRY_DATA_DIR: join(dir, "none"), GANTRY_SECRETS_KEY: "/own" };
    takeEnvironment(env);
    expect(env).toEqual({ GANTRY_DATA_DIR: join(dir, "none"), GANTRY_SECRETS_KEY: "/own" });
  });
});
