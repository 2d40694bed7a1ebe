// Health: alive while the process answers, ready while a Job could be taken.
import { suffix, type Store, Txn } from "@gantry/store";
import type { FastifyInstance } from "fastify";

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

export const registerHealth = (app: FastifyInstance, store: Store, nowMs: () => number): void => {
  const ok = (): string => "ok";
  app.get("/healthz", ok);
  app.get("/livez", ok);
  app.get("/readyz", async (_request, reply) => {
    const ready = await isReady(store, nowMs());
    return reply
      .code(ready ? 200 : 503)
      .header("content-type", "text/plain; charset=utf-8")
      .send(ready ? "ok" : "the store is not available");
  });
};
