// Every script is accepted by the server, and says on top what it takes.
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRedis, type TestRedis } from "../testing/redis-server.ts";
import { connect } from "../src/connection.ts";

const directory = new URL("../lua/", import.meta.url);
const files = readdirSync(directory).filter((name) => name.endsWith(".lua"));
let server: TestRedis;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

test.each(files)(
  "%s loads, has a contract, and names no key outside KEYS and the prefix",
  async (file) => {
    const text = readFileSync(new URL(file, directory), "utf8");
    const redis = connect({ url: server.url });
    try {
      await expect(redis.script("LOAD", text)).resolves.toMatch(/^[0-9a-f]{40}$/);
    } finally {
      redis.disconnect();
    }
    // With its flags the server refuses a script before its first write, and not in the middle.
    expect(text).toMatch(/^#!lua( flags=no-writes)?\n--\[\[/);
    expect(text).toMatch(/KEYS\[1(\.\.n)?\]/);
    expect(text).toMatch(/Returns /);
    const literals = text.match(/redis\.call\(\s*"(?!INFO")[A-Z]+",\s*"/g);
    expect(literals).toBeNull();
  },
);
