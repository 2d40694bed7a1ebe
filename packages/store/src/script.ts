// A Lua file as a typed call: EVALSHA, and EVAL once where the server does not know it yet.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import type { RedisClient } from "./connection.ts";
import { type ScriptArgument, ScriptCommand } from "./script-command.ts";

export interface Script {
  readonly name: string;
  readonly text: string;
  run(
    redis: RedisClient,
    keys: readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<unknown>;
}

const scripts: Script[] = [];

const send = (
  redis: RedisClient,
  name: "evalsha" | "eval",
  args: readonly ScriptArgument[],
): Promise<unknown> => redis.sendCommand(new ScriptCommand(name, args)) as Promise<unknown>;

const textOf = (name: string): string =>
  readFileSync(new URL(`../lua/${name}.lua`, import.meta.url), "utf8");

/** `libraries`: Lua files whose functions it uses; they become part of it. */
export const script = (name: string, ...libraries: readonly string[]): Script => {
  const own = textOf(name);
  // What the server is told of the script stands in its first line.
  const [head = ""] = /^#!.*\n/.exec(own) ?? [];
  const text = [head, ...libraries.map(textOf), own.slice(head.length)].join("");
  const sha = createHash("sha1").update(text).digest("hex");
  const made: Script = {
    name,
    text,
    async run(redis, keys, args) {
      try {
        return await send(redis, "evalsha", [sha, keys.length, ...keys, ...args]);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
        return await send(redis, "eval", [text, keys.length, ...keys, ...args]);
      }
    },
  };
  scripts.push(made);
  return made;
};

/** Makes every script known to the server, so that no first use of one has to be sent twice. */
export const loadScripts = async (redis: Pick<Redis, "script">): Promise<void> => {
  await Promise.all(scripts.map(({ text }) => redis.script("LOAD", text)));
};
