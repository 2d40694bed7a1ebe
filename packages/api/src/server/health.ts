// Health: alive while the process answers, ready while a Job could be taken.
import { ecsRegistration, readShutEcsLanes, suffix, type Store, Txn } from "@gantry/store";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { queryOf } from "../requests/query.ts";
import { pathOf } from "./auth.ts";

/** An answer that takes longer is none. */
const READY_TIMEOUT_MS = 2_000;

/** A write like that of a new Job: into a namespace that is there, by the commit script. */
const canWrite = async (store: Store, nowMs: number): Promise<boolean> => {
  const txn = new Txn();
  txn.check("namespaces", "default", "any");
  txn.side("HSET", suffix.meta, "probedAtMs", nowMs);
  return (await store.commit(txn)).ok;
};

export const isReady = async (store: Store, nowMs: number): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), READY_TIMEOUT_MS);
  });
  try {
    return await Promise.race([canWrite(store, nowMs), timeout]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
};

const plain = "text/plain; charset=utf-8";

/**
 * What only an operator can mend: lanes of the ecs runtime that ECS takes no launches on. Jobs can
 * be taken all the same, so the API stays ready.
 */
const troubles = async (store: Store): Promise<string[]> => {
  const shut = await readShutEcsLanes(store).catch(() => new Map());
  return [...shut].flatMap(([lane, { circuit, message }]) =>
    circuit ? [`[!]ecs ${shutText(lane)}: ${message}`] : [],
  );
};

const shutText = (lane: string): string =>
  lane === ecsRegistration ? "task definitions can't be registered" : `lane ${lane} is shut`;

/** What Kubernetes' `?verbose` shows: a line a check. */
const report = (
  path: string,
  checks: readonly (readonly [string, boolean])[],
  more: readonly string[],
): string => {
  const results = checks.map(([name, ok]) => (ok ? `[+]${name} ok` : `[-]${name} failed`));
  const lines = [...results, ...more];
  const passed = checks.every(([, ok]) => ok);
  return `${lines.join("\n")}\n${path.slice(1)} check ${passed ? "passed" : "failed"}\n`;
};

export const registerHealth = (app: FastifyInstance, store: Store, nowMs: () => number): void => {
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const path = pathOf(request);
    const checks: (readonly [string, boolean])[] = [["ping", true]];
    if (path === "/readyz") checks.push(["store", await isReady(store, nowMs())]);
    const ready = checks.every(([, ok]) => ok);
    const verbose = queryOf(request).has("verbose");
    const more = verbose && path === "/readyz" ? await troubles(store) : [];
    const text = verbose || !ready ? report(path, checks, more) : "ok";
    return reply
      .code(ready ? 200 : 503)
      .header("content-type", plain)
      .send(text);
  };
  for (const path of ["/healthz", "/livez", "/readyz"]) app.get(path, answer);
};
