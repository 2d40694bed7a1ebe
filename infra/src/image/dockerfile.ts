// Reads the Dockerfile: so much of the language as ours uses, and a refusal of everything else.

export interface Instruction {
  readonly name: string;
  /** All after the name, with arguments of the build filled in. */
  readonly text: string;
  readonly line: number;
}

export interface Stage {
  /** `AS NAME`; undefined for the last one. */
  readonly name: string | undefined;
  readonly image: string;
  readonly instructions: readonly Instruction[];
}

export class DockerfileError extends Error {
  override name = "DockerfileError";
}

const INSTRUCTION = /^([A-Z]+)\s+(.*)$/;
const FROM = /^(\S+)(?:\s+AS\s+([a-z]+))?$/;

/** Throws DockerfileError for what is no instruction. */
export const parseDockerfile = (text: string): Stage[] => {
  const defaults = new Map<string, string>();
  const stages: { name: string | undefined; image: string; instructions: Instruction[] }[] = [];
  for (const [n, whole] of text.split("\n").entries()) {
    const source = whole.trim();
    if (source === "" || source.startsWith("#")) continue;
    const found = INSTRUCTION.exec(source);
    if (found === null) throw new DockerfileError(`line ${n + 1} is no instruction: ${source}`);
    const [, name = "", given = ""] = found;
    const filled = given.replaceAll(/\$\{(\w+)\}/g, (_, key: string) => defaults.get(key) ?? "");
    if (name === "ARG") {
      const [key = "", value = ""] = filled.split("=", 2);
      defaults.set(key, value);
    } else if (name === "FROM") {
      const [, image = "", stage] = FROM.exec(filled) ?? [];
      stages.push({ name: stage, image, instructions: [] });
    } else {
      const stage = stages.at(-1);
      if (stage === undefined) throw new DockerfileError(`line ${n + 1}: ${name} before FROM`);
      stage.instructions.push({ name, text: filled, line: n + 1 });
    }
  }
  return stages;
};

/** The words of an instruction in its JSON form, `["a", "b"]`. */
export const execForm = ({ text, line }: Instruction): string[] => {
  const words: unknown = JSON.parse(text);
  if (Array.isArray(words) && words.every((word) => typeof word === "string")) return words;
  throw new DockerfileError(`line ${line}: write the words as JSON`);
};
