// Bull Board in a real browser: the login, the queues, a Pod's job with its outcome, and that nothing can be changed.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApiOptions, type RunningApi, startApi } from "@gantry/api";
import { connect, queueNames, queuePrefix, Store } from "@gantry/store";
import { Queue, UnrecoverableError, Worker } from "bullmq";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRedis, type TestRedis } from "../support/redis-server.ts";

const executablePath = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => existsSync(path));
const reason =
  executablePath === undefined ? " (skipped: there is no Chromium on this machine)" : "";
const nothing = (): void => {};
const levels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];
const silent = {
  level: "silent",
  ...Object.fromEntries(levels.map((level) => [level, nothing])),
  child: () => silent,
} as unknown as ApiOptions["log"];

const TOKEN = "a-token-for-the-board";

describe.skipIf(executablePath === undefined)(`Bull Board in a browser${reason}`, () => {
  let redis: TestRedis;
  let store: Store;
  let api: RunningApi;
  let profile: string;
  let context: BrowserContext;
  let page: Page;
  const violations: string[] = [];
  const url = (path: string): string => `http://127.0.0.1:${api.opsPort}${path}`;

  /** Runs two Pods through the queue, as a worker does: one succeeds, one fails. */
  const runPods = async (): Promise<void> => {
    const connection = connect(store.connection);
    const prefix = queuePrefix(store);
    const queue = new Queue(queueNames.pods, { connection, prefix });
    const blocking = connect(store.connection);
    const worker = new Worker(
      queueNames.pods,
      async (job) => {
        if (job.name.endsWith("bad-x2v9k"))
          throw new UnrecoverableError("Failed: exit code 42 (Error)");
        return { phase: "Succeeded", exitCode: 0, reason: "Completed" };
      },
      { connection: blocking, prefix },
    );
    worker.on("error", () => {});
    const ended = new Promise<void>((resolve) => {
      let count = 0;
      const one = (): void => {
        if (++count === 2) resolve();
      };
      worker.on("completed", one);
      worker.on("failed", one);
    });
    for (const name of ["default/pi-q7x2b", "team-a/bad-x2v9k"]) {
      await queue.add(name, { namespace: "default", name, uid: name }, { attempts: 1 });
    }
    await ended;
    await worker.close();
    blocking.disconnect();
    await queue.add("default/waiting-1", {}, { attempts: 1 });
    await queue.close();
    connection.disconnect();
  };

  beforeAll(async () => {
    redis = await startRedis();
    const connection = { url: redis.url };
    api = await startApi({
      redis: connection,
      listen: { host: "127.0.0.1", port: 0 },
      tls: null,
      token: TOKEN,
      ops: { host: "127.0.0.1", port: 0, write: false },
      log: silent,
      version: "0.0.0",
      defaultRuntime: "simulated",
    });
    store = new Store({ connection });
    await runPods();
    profile = await mkdtemp(join(tmpdir(), "gantry-chromium-"));
    context = await chromium.launchPersistentContext(profile, {
      executablePath: executablePath ?? "",
      headless: true,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
      viewport: { width: 1280, height: 900 },
    });
    page = context.pages()[0] ?? (await context.newPage());
    page.on("pageerror", (error) => violations.push(error.message));
    page.on("response", (response) => {
      if (response.status() >= 500) violations.push(`${response.status()} ${response.url()}`);
    });
  });

  afterAll(async () => {
    await context?.close();
    await api?.close();
    await store?.close();
    await redis?.stop();
    if (profile !== undefined) await rm(profile, { recursive: true, force: true });
  });

  const screenshot = async (name: string): Promise<void> => {
    const directory = process.env["GANTRY_SCREENSHOTS"];
    if (directory !== undefined) await page.screenshot({ path: join(directory, `${name}.png`) });
  };

  it("asks for the token, and says when it is wrong", async () => {
    await page.goto(url("/ops/queues/"));
    expect(new URL(page.url()).pathname).toBe("/ops/login");
    await screenshot("login");
    await page.getByLabel("Token").fill("wrong");
    await page.getByRole("button", { name: "Log in" }).click();
    expect(await page.getByRole("alert").textContent()).toBe("This is not the token.");
  });

  it("leads to the queues, with the Pods by name", async () => {
    await page.getByLabel("Token").fill(TOKEN);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.waitForURL((at) => at.pathname.startsWith("/ops/queues"));
    await page.getByRole("link", { name: "pods" }).first().waitFor();
    await screenshot("queues");
    await page.goto(url("/ops/queues/queue/pods?status=completed"));
    await page.getByText("default/pi-q7x2b").first().waitFor();
    await screenshot("completed");
  });

  it("shows why a Pod failed", async () => {
    await page.goto(url("/ops/queues/queue/pods?status=failed"));
    await page.getByText("team-a/bad-x2v9k").first().waitFor();
    await page.getByText("exit code 42").first().waitFor();
    await screenshot("failed");
  });

  it("offers nothing that changes a queue", async () => {
    expect(await page.getByRole("button", { name: /retry|clean|pause|promote/i }).count()).toBe(0);
    const status = await page.evaluate(async () => {
      const response = await fetch("/ops/queues/api/queues/pods/pause", { method: "PUT" });
      return response.status;
    });
    expect(status).toBe(403);
  });

  it("has no errors, and logs out", async () => {
    expect(violations).toEqual([]);
    await page.goto(url("/ops"));
    await screenshot("index");
    await page.getByRole("button", { name: "Log out" }).click();
    await page.goto(url("/ops/queues/"));
    expect(new URL(page.url()).pathname).toBe("/ops/login");
  });
});
