// Compiles the worker that docker's tests kill: Node 20 reads no TypeScript.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packageRoot = fileURLToPath(new URL("..", import.meta.url));
const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url));

export interface CompiledWorker {
  readonly path: string;
  remove(): void;
}

export const compileKilledWorker = (): CompiledWorker => {
  // Below node_modules, so that it finds the packages it imports.
  mkdirSync(join(modules, ".cache"), { recursive: true });
  const out = mkdtempSync(join(modules, ".cache/gantry-compiled-"));
  const config = join(out, "tsconfig.json");
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
  const files = [join(packageRoot, "test/docker-killed-worker.ts")];
  writeFileSync(config, JSON.stringify({ extends: extended, compilerOptions, files }));
  writeFileSync(join(out, "package.json"), JSON.stringify({ type: "module" }));
  execFileSync(join(modules, ".bin/tsc"), ["-p", config], { stdio: "inherit" });
  return {
    path: join(out, "test/docker-killed-worker.js"),
    remove: () => rmSync(out, { recursive: true, force: true }),
  };
};
