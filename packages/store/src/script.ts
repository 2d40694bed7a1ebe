// A Lua file as a typed call: EVALSHA, and EVAL once where the server does not know it yet.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { RedisClient } from "./connection.ts";

export interface Script {
  readonly name: string;
  readonly text: string;
  run(
    redis: RedisClient,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown>;
}

export const script = (name: string): Script => {
  const text = readFileSync(new URL(`../lua/${name}.lua`, import.meta.url), "utf8");
  const sha = createHash("sha1").update(text).digest("hex");
  return {
    name,
    text,
    async run(redis, keys, args) {
      try {
        return await redis.evalsha(sha, keys.length, ...keys, ...args);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
        return await redis.eval(text, keys.length, ...keys, ...args);
      }
    },
  };
};
