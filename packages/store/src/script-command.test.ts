// A script's run on the wire is byte for byte what ioredis writes of the same command.
import fc from "fast-check";
import { Command } from "ioredis";
import { expect, test } from "vitest";
import { type ScriptArgument, ScriptCommand } from "./script-command.ts";

const bytesOf = (command: Command): Buffer => Buffer.from(command.toWritable({}));

const argument = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.integer(),
  fc.nat(3_000).map((length) => "x".repeat(length)),
);

test("whatever the arguments: ASCII or not, empty, long, numbers", () => {
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 50 }), (more: ScriptArgument[]) => {
      const args = ["sha", 1, "{cell}:rv", ...more];
      expect(bytesOf(new ScriptCommand("evalsha", args))).toEqual(
        bytesOf(new Command("evalsha", [...args])),
      );
    }),
  );
});

test("a Cluster finds its slot by its key", () => {
  const args = ["sha", 1, "{cell}:rv", "other"];
  expect(new ScriptCommand("evalsha", args).getKeys()).toEqual(["{cell}:rv"]);
});
