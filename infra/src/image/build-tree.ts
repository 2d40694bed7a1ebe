// Carries out the Dockerfile without Docker: each stage in a folder of its own, with this machine's Node
// in place of the base image. The scripts are those that Docker runs.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { contextFiles } from "./build-context.ts";
import { DockerfileError, execForm, type Instruction, parseDockerfile } from "./dockerfile.ts";

/** What a container of the image is started with. */
export interface BuiltImage {
  /** Folder of the last stage: its `/`. */
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: { readonly uid: number; readonly gid: number };
  readonly entrypoint: readonly string[];
  readonly healthCheck: readonly string[];
  readonly volumes: readonly string[];
}

interface StageState {
  readonly root: string;
  workdir: string;
  readonly env: Record<string, string>;
  user: string;
  entrypoint: readonly string[];
  healthCheck: readonly string[];
  volumes: readonly string[];
}

interface Source extends Required<BuildOptions> {
  readonly checkout: string;
}

/** A script of ours with plain words: nothing that a shell would read differently. */
const RUN = /^infra\/image\/[a-z-]+(?: [A-Za-z0-9_./-]+)*$/;

const HEALTH_CHECK = /^(?:--[a-z-]+=\S+ )*CMD (\[.*\])$/;

export interface BuildOptions {
  /**
   * The checkout has just been compiled, by the same command: its packages' `dist` is taken, and
   * neither the compiler installed nor the packages compiled again. It saves most of the time.
   */
  readonly compiled?: boolean;
}

/** Builds below `folder`, which must be empty. `checkout`: the context of the build. */
export const buildTree = (
  checkout: string,
  folder: string,
  { compiled = false }: BuildOptions = {},
): BuiltImage => {
  const source: Source = { checkout, compiled };
  const stages = parseDockerfile(readFileSync(join(checkout, "Dockerfile"), "utf8"));
  const done = new Map<string, StageState>();
  let last: StageState | undefined;
  for (const [n, { name, instructions }] of stages.entries()) {
    const stage: StageState = {
      root: join(folder, name ?? `stage-${n}`),
      workdir: "/",
      env: {},
      user: "0:0",
      entrypoint: [],
      healthCheck: [],
      volumes: [],
    };
    mkdirSync(stage.root, { recursive: true });
    for (const instruction of instructions) carryOut(instruction, stage, source, done);
    if (name !== undefined) done.set(name, stage);
    last = stage;
  }
  if (last === undefined) throw new DockerfileError("there is no stage");
  const [uid = 0, gid = 0] = last.user.split(":").map(Number);
  return { ...last, user: { uid, gid } };
};

const carryOut = (
  instruction: Instruction,
  stage: StageState,
  source: Source,
  done: ReadonlyMap<string, StageState>,
): void => {
  const { name, text, line } = instruction;
  switch (name) {
    case "WORKDIR":
      stage.workdir = text;
      mkdirSync(join(stage.root, text), { recursive: true });
      return;
    case "ENV": {
      const [key = "", value = ""] = text.split("=", 2);
      stage.env[key] = value;
      return;
    }
    case "COPY":
      copy(instruction, stage, source.checkout, done);
      return;
    case "RUN":
      run(instruction, stage, source);
      return;
    case "USER":
      stage.user = text;
      return;
    case "VOLUME":
      stage.volumes = execForm(instruction);
      return;
    case "ENTRYPOINT":
      stage.entrypoint = execForm(instruction);
      return;
    case "HEALTHCHECK":
      stage.healthCheck = execForm({ ...instruction, text: HEALTH_CHECK.exec(text)?.[1] ?? "" });
      return;
    case "EXPOSE":
    case "CMD":
      return;
    default:
      throw new DockerfileError(`line ${line}: ${name} is not known to this check`);
  }
};

const copy = (
  { text, line }: Instruction,
  stage: StageState,
  checkout: string,
  done: ReadonlyMap<string, StageState>,
): void => {
  if (text === ". .") {
    for (const path of contextFiles(checkout)) {
      const target = join(stage.root, stage.workdir, path);
      mkdirSync(dirname(target), { recursive: true });
      copyFileSync(join(checkout, path), target);
    }
    return;
  }
  const [, from = "", source = "", target = ""] =
    /^--from=([a-z]+) (\/\S+) (\/\S+)$/.exec(text) ?? [];
  const other = done.get(from);
  if (other === undefined) throw new DockerfileError(`line ${line}: COPY from where?`);
  cpSync(join(other.root, source), join(stage.root, target), {
    recursive: true,
    // Links to the workspaces are relative, and stay so.
    verbatimSymlinks: true,
  });
};

/** What `compiled` spares: the first has no effect of its own on the image. */
const INSTALL = "infra/image/install";
const COMPILE = "infra/image/compile";

const run = (
  { text, line }: Instruction,
  stage: StageState,
  { checkout, compiled }: Source,
): void => {
  if (!RUN.test(text)) {
    throw new DockerfileError(`line ${line}: RUN a script of infra/image, with plain words`);
  }
  const [script = "", ...words] = text.split(" ");
  const cwd = join(stage.root, stage.workdir);
  if (compiled && script === INSTALL) return;
  if (compiled && script === COMPILE) {
    for (const name of readdirSync(join(cwd, "packages"))) {
      const dist = join("packages", name, "dist");
      cpSync(join(checkout, dist), join(cwd, dist), { recursive: true });
    }
    return;
  }
  execFileSync(
    join(cwd, script),
    words.map((word) => (isAbsolute(word) ? join(stage.root, word) : word)),
    {
      cwd,
      // What npm has fetched before need not be fetched again.
      env: { ...process.env, ...stage.env, npm_config_prefer_offline: "true" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
};
