// The image, built as the Dockerfile says but without Docker, run as the task definitions say: with their
// commands, environment and health checks, not as root, against a Redis Cluster with the user's few rights.
import type { ChildProcess } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contextFilter } from "../src/image/build-context.ts";
import { type BuiltImage, buildTree } from "../src/image/build-tree.ts";
import { Container } from "../src/image/container.ts";
import { parseDockerfile } from "../src/image/dockerfile.ts";
import {
  type ClusterRedis,
  freePorts,
  noRedis,
  PASSWORD,
  startClusterRedis,
} from "./cluster-redis.ts";
import { synthesize } from "./synthesized.ts";

const checkout = fileURLToPath(new URL("../../", import.meta.url));
const PARTS = ["api", "scheduler", "worker"] as const;
type Part = (typeof PARTS)[number];

describe("the Dockerfile", () => {
  const text = readFileSync(join(checkout, "Dockerfile"), "utf8");

  test("builds on a base of an exact version, and not as root", () => {
    const stages = parseDockerfile(text);
    for (const { image } of stages) expect(image).toMatch(/^node:\d+\.\d+\.\d+-[a-z]+-slim$/);
    const last = stages.at(-1)?.instructions ?? [];
    const user = last.findIndex(
      ({ name, text: given }) => name === "USER" && given === "1000:1000",
    );
    expect(user).toBeGreaterThan(-1);
    expect(last.slice(user).some(({ name }) => name === "RUN" || name === "COPY")).toBe(false);
  });

  test("compiles with the command by which the checkout was, so that its result may stand for it", () => {
    const [build] = parseDockerfile(text);
    const scripts = build?.instructions.filter(({ name }) => name === "RUN").map((one) => one.text);
    expect(scripts).toEqual([
      "infra/image/install",
      "infra/image/compile",
      "infra/image/assemble /opt/gantry",
    ]);
    const compile = readFileSync(join(checkout, "infra/image/compile"), "utf8");
    const launcher = readFileSync(join(checkout, "gantry"), "utf8");
    expect(compile).toContain("npm run --silent build");
    expect(launcher).toContain("npm run --silent build");
  });

  test("declares the data directory after making it, so that the volume has its owner", () => {
    const last = parseDockerfile(text).at(-1)?.instructions ?? [];
    const at = (name: string): number => last.findIndex((one) => one.name === name);
    expect(at("RUN")).toBeLessThan(at("VOLUME"));
  });
});

test(".dockerignore lets in what is named, and nothing built, installed or only for tests", () => {
  const isTaken = contextFilter(readFileSync(join(checkout, ".dockerignore"), "utf8"));
  const paths = {
    "package-lock.json": true,
    "packages/store/lua/commit.lua": true,
    "packages/cli/src/main.ts": true,
    "infra/image/install": true,
    "infra/package.json": true,
    ".git/config": false,
    ".env": false,
    "packages/cli/dist/main.js": false,
    "packages/cli/node_modules/x/index.js": false,
    "packages/core/src/ttl.test.ts": false,
    "packages/store/test/x.ts": false,
    "infra/src/config.ts": false,
    "infra/gantry.json": false,
    "docs/operations.md": false,
  };
  for (const [path, taken] of Object.entries(paths)) expect(isTaken(path), path).toBe(taken);
  // All that the compiler reads, which the test of the image takes as compiled.
  const needed = ["tsconfig.base.json", "tsconfig.build.json", "package.json", ".npmrc"];
  for (const name of readdirSync(join(checkout, "packages"))) {
    const config = readFileSync(join(checkout, "packages", name, "tsconfig.json"), "utf8");
    const { include } = JSON.parse(config) as { include: string[] };
    expect(include).toEqual(["src"]);
    needed.push(`packages/${name}/tsconfig.json`, `packages/${name}/package.json`);
    needed.push(`packages/${name}/src/index.ts`);
  }
  for (const path of needed) expect(isTaken(path), path).toBe(true);
});

describe("the image", () => {
  let folder: string;
  let image: BuiltImage;
  let redis: ClusterRedis | undefined;
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "gantry-image-"));
    chmodSync(folder, 0o755);
    image = buildTree(checkout, join(folder, "stages"), { compiled: true });
  }, 240_000);

  afterAll(async () => {
    await Promise.all(running.map(ended));
    await redis?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const container = (name: string): Container => {
    const data = join(folder, name);
    mkdirSync(data);
    return new Container(image, data);
  };

  test("has what production needs and no compiler, tests, types or sources", () => {
    const tree = join(image.root, image.workdir);
    const modules = readdirSync(join(tree, "node_modules"));
    expect(modules).toEqual(expect.arrayContaining(["bullmq", "fastify", "ioredis", "zod"]));
    for (const name of ["typescript", "vitest", "oxlint", "aws-cdk-lib", "turbo", "@types"]) {
      expect(modules).not.toContain(name);
    }
    const find = (dir: string): string[] =>
      readdirSync(join(tree, dir), { recursive: true, encoding: "utf8" });
    expect(find(".").filter((path) => /\.d\.ts$|\.map$/.test(path))).toEqual([]);
    expect(find("packages").filter((path) => path.includes(".test."))).toEqual([]);
    expect(existsSync(join(tree, "packages/cli/src"))).toBe(false);
    const mode = statSync(join(image.root, image.volumes[0] ?? "")).mode & 0o777;
    expect(mode).toBe(0o700);
  });

  test("starts as its user, who can write nowhere but to the data directory", () => {
    const alone = container("alone");
    expect(alone.run([...image.entrypoint, "version"])).toMatch(/^gantry \d/);
    if (alone.isolation === "none") return;
    expect(alone.run(["id", "-u"]).trim()).toBe("1000");
    expect(alone.run(["sh", "-c", "touch here 2>/dev/null || echo no"]).trim()).toBe("no");
    expect(alone.run(["sh", "-c", 'touch "$DATA/there" && echo yes']).trim()).toBe("yes");
  });

  test("runs a Job with the commands of the task definitions", async ({ skip }) => {
    if (noRedis !== null) skip(noRedis);
    redis = await startClusterRedis(join(folder, "redis"));
    const definitions = definitionsOf();
    const [apiPort = 0, metricsPort = 0, workerPort = 0] = await freePorts(3);
    const ports: Record<Part, number> = {
      api: apiPort,
      scheduler: metricsPort,
      worker: workerPort,
    };
    const boxes = new Map<Part, Container>();
    let output = "";
    for (const part of PARTS) {
      const definition = definitions[part];
      const box = container(part);
      boxes.set(part, box);
      // In place of ECS, which is not here, the runtime that runs nothing; in place of fixed ports free ones.
      const command = definition.command.map((word) =>
        word.replace("--runtime=ecs", "--runtime=simulated").replace(/:\d+$/, `:${ports[part]}`),
      );
      const child = box.start([...image.entrypoint, ...command], {
        ...definition.secretValues,
        GANTRY_REDIS_URL: redis.url,
      });
      running.push(child);
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
      }
    }
    const health = (part: Part): boolean => {
      const [, ...words] = definitions[part].healthCheck;
      const check = words.map((word) => word.replace(/:\d+\//, `:${ports[part]}/`));
      try {
        boxes.get(part)?.run(check);
        return true;
      } catch {
        return false;
      }
    };
    for (const part of PARTS)
      await until(
        `${part} is healthy`,
        () => health(part),
        () => output,
      );
    const api = boxes.get("api");
    if (api === undefined) throw new Error("there is no api");
    const client = (...words: string[]): string =>
      api.run([...image.entrypoint, ...words, "--kubeconfig", join(folder, "api", "kubeconfig")]);
    const manifest = join(folder, "job.yaml");
    writeFileSync(manifest, JSON.stringify(job));
    client("apply", "-f", manifest);
    client("wait", "job/twenty", "--for", "condition=Complete", "--timeout", "90s");
    expect(client("get", "jobs", "-o", "json")).toContain('"succeeded": 20');
    await until(
      "the load is told",
      () => output.includes('"placesUsedPercent"'),
      () => output,
    );
    // What Redis refused its user would be here.
    expect(redis.refusals()).toEqual([]);
    expect(output).not.toContain(PASSWORD);
  }, 300_000);
});

const job = {
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "twenty" },
  spec: {
    completions: 20,
    parallelism: 5,
    completionMode: "Indexed",
    template: {
      spec: { restartPolicy: "Never", containers: [{ name: "main", image: "none" }] },
    },
  },
};

interface Definition {
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
  /** In place of those from Secrets Manager. */
  readonly secretValues: Readonly<Record<string, string>>;
}

/** Of the kind that the stack asks Secrets Manager to make. */
const secretValue = (name: string): string =>
  name === "GANTRY_REDIS_PASSWORD"
    ? PASSWORD
    : "k".repeat(name === "GANTRY_SECRETS_KEYS" ? 43 : 64);

const definitionsOf = (): Record<Part, Definition> => {
  const { template } = synthesize();
  const all = Object.values(template.findResources("AWS::ECS::TaskDefinition")).map(
    ({ Properties }) => Properties.ContainerDefinitions[0],
  );
  const entries = PARTS.map((part): [Part, Definition] => {
    const { Command, HealthCheck, Secrets } = all.find(({ Name }) => Name === part);
    const names = (Secrets as { Name: string }[]).map(({ Name }) => Name);
    return [
      part,
      {
        command: (Command as string[]).map((word) =>
          word.replace("report-load=60", "report-load=1"),
        ),
        healthCheck: HealthCheck.Command as string[],
        secretValues: Object.fromEntries(names.map((name) => [name, secretValue(name)])),
      },
    ];
  });
  return Object.fromEntries(entries) as Record<Part, Definition>;
};

const DEADLINE_MS = 90_000;

/** Each look starts a process or two. */
const POLL_MS = 400;

const until = async (what: string, holds: () => boolean, why: () => string): Promise<void> => {
  const endMs = Date.now() + DEADLINE_MS;
  while (!holds()) {
    if (Date.now() > endMs) throw new Error(`not within ${DEADLINE_MS} ms: ${what}\n${why()}`);
    await sleep(POLL_MS);
  }
};

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await gone;
};
