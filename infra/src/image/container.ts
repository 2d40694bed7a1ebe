// Starts commands of a built image as a container would: not as root, and where this machine allows it
// with nothing to write to but the data directory.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync } from "node:fs";
import { join } from "node:path";
import type { BuiltImage } from "./build-tree.ts";

/** `read-only`: as deployed. `user`: not as root, but files may be written. `none`: as who runs this. */
export type Isolation = "read-only" | "user" | "none";

/** In a mount namespace of its own: the root, and the tree if it lies elsewhere, become read-only. */
const READ_ONLY = [
  'mount --bind "$DATA" "$DATA"',
  'mount --bind "$TREE" "$TREE"',
  'mount -o remount,bind,ro "$TREE"',
  "mount -o remount,bind,ro /",
  'exec "$@"',
].join(" && ");

const unprivileged = ({ uid, gid }: BuiltImage["user"]): string[] => [
  "setpriv",
  `--reuid=${uid}`,
  `--regid=${gid}`,
  "--clear-groups",
  "--inh-caps=-all",
  "--bounding-set=-all",
  "--no-new-privs",
  "--",
];

const prefix = (isolation: Isolation, image: BuiltImage): string[] => {
  if (isolation === "none") return [];
  if (isolation === "user") return unprivileged(image.user);
  const inNamespace = [
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "sh",
    "-c",
    READ_ONLY,
    "sh",
  ];
  return [...inNamespace, ...unprivileged(image.user)];
};

export class Container {
  readonly isolation: Isolation;
  readonly #image: BuiltImage;
  readonly #data: string;

  /** `data`: an empty folder, which stands for the image's volume. */
  constructor(image: BuiltImage, data: string) {
    this.#image = image;
    this.#data = data;
    const root = process.getuid?.() === 0;
    if (root) chownSync(data, image.user.uid, image.user.gid);
    chmodSync(data, 0o700);
    this.isolation = root ? (this.#works("read-only") ? "read-only" : "user") : "none";
  }

  /** Its standard output; throws with what it printed when it fails. */
  run(words: readonly string[], env: NodeJS.ProcessEnv = {}): string {
    const [program = "", ...rest] = this.#command(this.isolation, words);
    return execFileSync(program, rest, { ...this.#options(env), encoding: "utf8" });
  }

  start(words: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const [program = "", ...rest] = this.#command(this.isolation, words);
    return spawn(program, rest, { ...this.#options(env), stdio: ["ignore", "pipe", "pipe"] });
  }

  #command(isolation: Isolation, words: readonly string[]): string[] {
    return [...prefix(isolation, this.#image), ...words];
  }

  /** Nothing of this process' environment but where programs are. */
  #options(env: NodeJS.ProcessEnv): { cwd: string; env: NodeJS.ProcessEnv } {
    const { root, workdir, env: own } = this.#image;
    const places = { DATA: this.#data, TREE: root, GANTRY_DATA_DIR: this.#data };
    return {
      cwd: join(root, workdir),
      env: { PATH: process.env["PATH"], ...own, ...places, ...env },
    };
  }

  #works(isolation: Isolation): boolean {
    try {
      const [program = "", ...rest] = this.#command(isolation, ["true"]);
      execFileSync(program, rest, { ...this.#options({}), stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  }
}
