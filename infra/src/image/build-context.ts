// The files that a build sees: those that .dockerignore leaves, as Docker reads it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Pattern {
  readonly matches: RegExp;
  /** `!`: what it matches is taken after all. */
  readonly takes: boolean;
}

/** `*` within a name, `**` over any number of folders; what is below a match matches too. */
const expression = (pattern: string): RegExp => {
  const parts = pattern.split("/").map((part) => {
    if (part === "**") return "(?:.*/)?";
    const literal = part.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
    return `${literal.replaceAll("*", "[^/]*").replaceAll("?", "[^/]")}/`;
  });
  return new RegExp(`^${parts.join("").replace(/\/$/, "")}(?:/|$)`);
};

const parsePatterns = (text: string): Pattern[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const takes = line.startsWith("!");
      return { takes, matches: expression(takes ? line.slice(1) : line) };
    });

/** The last pattern that matches decides. */
export const contextFilter = (ignoreFile: string): ((path: string) => boolean) => {
  const patterns = parsePatterns(ignoreFile);
  return (path) => patterns.findLast(({ matches }) => matches.test(path))?.takes ?? true;
};

/** Paths of the files of the context, below `root`. */
export const contextFiles = (root: string): string[] => {
  const isTaken = contextFilter(readFileSync(join(root, ".dockerignore"), "utf8"));
  const walk = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return isPruned(entry.name) ? [] : walk(path);
      return entry.isFile() && isTaken(path) ? [path] : [];
    });
  return walk("");
};

/** Large, and excluded at every depth: not looked into. */
const isPruned = (name: string): boolean => name === "node_modules" || name === ".git";
