// A run of a script as it goes over the wire. Scripts take thousands of arguments: their text is put
// together in one go, and not measured and copied one by one as ioredis does for any command.
import { Command } from "ioredis";

export type ScriptArgument = string | number;

/** What stands before an argument of a length, for the usual lengths. */
const heads = Array.from({ length: 1_024 }, (_, length) => `\r\n$${length}\r\n`);

const headOf = (length: number): string => heads[length] ?? `\r\n$${length}\r\n`;

/** RESP of a command, if all of it is ASCII: then characters are bytes. */
const asciiText = (name: string, args: readonly string[]): string | null => {
  let text = `*${args.length + 1}${headOf(name.length)}${name}`;
  for (const arg of args) text += headOf(arg.length) + arg;
  text += "\r\n";
  return Buffer.byteLength(text) === text.length ? text : null;
};

export class ScriptCommand extends Command {
  constructor(name: "evalsha" | "eval", args: readonly ScriptArgument[]) {
    super(name, args as ScriptArgument[], { replyEncoding: "utf8" });
  }

  override toWritable(socket: object): string | Buffer {
    return asciiText(this.name, this.args as string[]) ?? super.toWritable(socket);
  }
}
