// Which hostPath volumes a worker allows, by the path as written.

/** Without `.`, `..` and empty parts. */
const parts = (path: string): string[] => {
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return kept;
};

/** `prefixes`: absolute paths. Whether links lead out of them, only the worker's host can tell. */
export const isAllowedHostPath = (path: string, prefixes: readonly string[]): boolean => {
  const wanted = parts(path);
  return prefixes.some((prefix) => parts(prefix).every((part, n) => wanted[n] === part));
};
