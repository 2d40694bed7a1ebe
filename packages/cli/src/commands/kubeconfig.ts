// `gantry kubeconfig`: the kubeconfig of the data directory, or where it is.
import { readFileSync } from "node:fs";
import { dataDir } from "../data-dir.ts";
import { UsageError } from "../usage-error.ts";

export function kubeconfig(options: { dataDir?: string; path?: boolean }): void {
  const file = dataDir(options.dataDir).kubeconfig;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new UsageError(`${file}: no such file yet; \`gantry up\` writes it`);
  }
  process.stdout.write(options.path === true ? `${file}\n` : text);
}
