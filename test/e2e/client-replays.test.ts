// Clients that are not on this machine, by the requests they send (docs/clients tells which were run).
import { readFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { gantryUp, type Installation } from "../support/gantry.ts";
import { argoCd } from "./client-replays/argo-cd.ts";
import { clientGo } from "./client-replays/client-go.ts";
import { helm } from "./client-replays/helm.ts";
import { k9s } from "./client-replays/k9s.ts";
import { kubeStateMetrics } from "./client-replays/kube-state-metrics.ts";
import type { Memory, Of, Step, WatchEvent } from "./client-replays/steps.ts";

/** A watch that has not said by then what its client waits for has failed. */
const WATCH_MS = 15_000;

describe.each([clientGo, k9s, helm, argoCd, kubeStateMetrics])("$client", ({ steps }) => {
  let gantry: Installation;
  let server: string;
  let token: string;
  let agent: Agent;
  const memory: Memory = {};

  beforeAll(async () => {
    gantry = await gantryUp("--runtime", "simulated");
    const config = parse(await readFile(gantry.kubeconfig, "utf8"));
    server = config.clusters[0].cluster.server;
    token = config.users[0].user.token;
    const ca = Buffer.from(config.clusters[0].cluster["certificate-authority-data"], "base64");
    agent = new Agent({ keepAlive: true, ca });
  });
  afterAll(async () => {
    agent?.destroy();
    await gantry?.stop();
  });

  const told = <T>(of: Of<T>): T =>
    typeof of === "function" ? (of as (memory: Memory) => T)(memory) : of;

  const open = (step: Step): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const body = told<object | undefined>(step.body);
      const text = body === undefined ? "" : JSON.stringify(body);
      const headers = {
        authorization: `Bearer ${token}`,
        "content-length": Buffer.byteLength(text),
        ...step.headers,
      };
      const { method = "GET" } = step;
      const url = new URL(told(step.path), server);
      const sent = request(url, { method, agent, headers }, resolve);
      sent.once("error", reject);
      sent.end(text);
    });

  const textOf = async (answer: IncomingMessage): Promise<string> => {
    let text = "";
    answer.setEncoding("utf8");
    for await (const part of answer) text += String(part);
    return text;
  };

  /** Resolves with the events once `until` holds or the watch ends. */
  const follow = async (
    answer: IncomingMessage,
    until: NonNullable<Step["until"]>,
  ): Promise<boolean> => {
    const events: WatchEvent[] = [];
    let rest = "";
    const cut = setTimeout(() => answer.destroy(), WATCH_MS);
    answer.setEncoding("utf8");
    try {
      for await (const part of answer) {
        const lines = (rest + String(part)).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) events.push(JSON.parse(line) as WatchEvent);
        if (until(events, memory)) return true;
      }
    } catch {
      // Cut off above.
    } finally {
      clearTimeout(cut);
      answer.destroy();
    }
    return until(events, memory);
  };

  /** Watches that go on beside the other steps. */
  const quiet: Promise<{ what: string; text: string }>[] = [];

  test.each(steps)("$what", { timeout: 30_000 }, async (step) => {
    const answer = await open(step);
    const type = answer.headers["content-type"] ?? "";
    if (step.until !== undefined && answer.statusCode === 200) {
      expect(await follow(answer, step.until)).toBe(true);
      return;
    }
    if (step.quiet === true && answer.statusCode === 200) {
      quiet.push(textOf(answer).then((text) => ({ what: step.what, text })));
      return;
    }
    const text = await textOf(answer);
    expect(answer.statusCode, text).toBe(step.status ?? 200);
    expect(type).toContain(step.type ?? "application/json");
    if (step.check !== undefined) step.check(JSON.parse(text), memory);
  });

  test("its watches end without an error", async () => {
    for (const { what, text } of await Promise.all(quiet)) {
      expect(text, what).not.toContain('"type":"ERROR"');
    }
  });
});
