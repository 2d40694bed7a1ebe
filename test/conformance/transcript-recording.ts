// The recorded kubectl session: commands in order with what each of them printed.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface RecordedCommand {
  readonly number: number;
  readonly words: readonly string[];
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  readonly code: number;
}

export const recordings = fileURLToPath(new URL("../../../shared/wire/", import.meta.url));
const file = `${recordings}transcript-kubectl-1.32.txt`;

/** The recordings are not part of the source tree. */
export const recordingIsThere = existsSync(file);

/** The transcript has no quotes: words with spaces in them. */
const wordsWithSpaces: Readonly<Record<number, readonly string[]>> = {
  46: ["--schedule=*/5 * * * *"],
  70: ["set in (l),!nope"],
};

const wordsOf = (number: number, command: string): string[] => {
  let text = command;
  const special = wordsWithSpaces[number] ?? [];
  for (const [n, word] of special.entries()) text = text.replace(word, `\0${n}`);
  return text.split(" ").map((word) => {
    const at = word.startsWith("\0") ? special[Number(word.slice(1))] : undefined;
    return at ?? word;
  });
};

/** Commands of kubectl; raw requests in between are replayed by the API's own tests. */
export const recordedCommands = (): RecordedCommand[] => {
  const commands: RecordedCommand[] = [];
  for (const block of readFileSync(file, "utf8").split(/^### /m).slice(1)) {
    const [head = "", ...lines] = block.trimEnd().split("\n");
    const [, digits = "", command = ""] = /^(\d+) (.*)$/.exec(head) ?? [];
    const code = /^ {2}= exit (\d+)$/.exec(lines.at(-1) ?? "")?.[1];
    if (!command.startsWith("kubectl ") || code === undefined) continue;
    const shown = lines.slice(0, -1).map((line) => line.slice(2));
    commands.push({
      number: Number(digits),
      words: wordsOf(Number(digits), command).slice(1),
      stdout: shown.filter((line) => !line.startsWith("! ")),
      stderr: shown.filter((line) => line.startsWith("! ")).map((line) => line.slice(2)),
      code: Number(code),
    });
  }
  return commands;
};
