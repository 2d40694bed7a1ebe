// `npm run image:check`: builds the image's file tree without Docker and starts Gantry from it.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildTree } from "./build-tree.ts";
import { Container } from "./container.ts";

const checkout = fileURLToPath(new URL("../../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "gantry-image-"));
// The image's user has to get in.
chmodSync(folder, 0o755);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

try {
  say("building the tree of the image");
  const image = buildTree(checkout, folder);
  const data = join(folder, "data");
  mkdirSync(data);
  const container = new Container(image, data);
  say(`starting it (isolation: ${container.isolation})`);
  say(container.run([...image.entrypoint, "version"]).trim());
  for (const part of ["api", "scheduler", "worker"]) {
    container.run([...image.entrypoint, part, "--help"]);
    say(`gantry ${part}: starts`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
