// Cuts a byte stream into lines, without decoding: what a program printed passes unchanged.

const NEWLINE = 0x0a;

/** Whole lines, each with its newline; a last line without one comes as it is. Joined they are the input. */
export async function* lines(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  for await (const chunk of source) {
    let from = 0;
    for (;;) {
      const at = chunk.indexOf(NEWLINE, from);
      if (at < 0) break;
      const line = chunk.subarray(from, at + 1);
      yield rest.length === 0 ? line : Buffer.concat([...rest, line]);
      rest = [];
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}

/** A line as text, without its newline. */
export const lineText = (line: Buffer): string => {
  const end = line.at(-1) === NEWLINE ? line.length - 1 : line.length;
  return line.toString("utf8", 0, end);
};
