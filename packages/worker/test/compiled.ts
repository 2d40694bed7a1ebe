// Compiles what tests run as processes of their own: Node 20 reads no TypeScript.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packageRoot = fileURLToPath(new URL("..", import.meta.url));
const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url));

export interface Compiled {
  readonly supervisor: string;
  readonly killedWorker: string;
  remove(): void;
}

export const compile = (): Compiled => {
  // Below node_modules, so that it finds the packages it imports.
  mkdirSync(join(modules, ".cache"), { recursive: true });
  const out = mkdtempSync(join(modules, ".cache/gantry-compiled-"));
  const config = join(out, "tsconfig.json");
  const files = ["src/process/supervisor-main.ts", "test/killed-worker.ts"];
  const compilerOptions = {
    rootDir: packageRoot,
    outDir: out,
    noCheck: true,
    composite: false,
    declaration: false,
    declarationMap: false,
    sourceMap: false,
  };
  const extended = join(packageRoot, "../../tsconfig.base.json");
  const absolute = files.map((file) => join(packageRoot, file));
  writeFileSync(config, JSON.stringify({ extends: extended, compilerOptions, files: absolute }));
  writeFileSync(join(out, "package.json"), JSON.stringify({ type: "module" }));
  execFileSync(join(modules, ".bin/tsc"), ["-p", config], { stdio: "inherit" });
  return {
    supervisor: join(out, "src/process/supervisor-main.js"),
    killedWorker: join(out, "test/killed-worker.js"),
    remove: () => rmSync(out, { recursive: true, force: true }),
  };
};
