// Files that only their owner may read, replaced in one step so that a reader never sees half of one.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";

export function writePrivate(path: string, content: string): void {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, path);
}

export function privateDir(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}
