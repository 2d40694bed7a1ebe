// Bull Board at /ops/queues: every Pod is a job on the queue `pods`, so this shows what runs and what failed.
import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { FastifyAdapter } from "@bull-board/fastify";
import { allQueueNames, connect, queueNames, queuePrefix, type Store } from "@gantry/store";
import { Queue } from "bullmq";
import type { FastifyInstance } from "fastify";

const BASE_PATH = "/ops/queues";

const descriptions: Readonly<Record<string, string>> = {
  [queueNames.pods]: "One job a Pod: waiting while Pending, active while it runs.",
  [queueNames.cleanup]: "Removes finished Jobs after their TTL, old Events and old Pods.",
};

export interface Board {
  close(): Promise<void>;
}

/** Without `write` every request that could change something is refused with 403. */
export async function registerBoard(
  app: FastifyInstance,
  store: Store,
  write: boolean,
): Promise<Board> {
  const connection = connect(store.connection);
  const prefix = queuePrefix(store);
  const queues = allQueueNames.map((name) => new Queue(name, { connection, prefix }));
  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(BASE_PATH);
  createBullBoard({
    queues: queues.map(
      (queue) =>
        new BullMQAdapter(queue, {
          readOnlyMode: !write,
          // A Pod runs once: its Job decides whether another takes its place.
          allowRetries: false,
          description: descriptions[queue.name] ?? "Pods that name this runtime.",
        }),
    ),
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: "Gantry",
        miscLinks: [{ text: "Overview", url: "/ops" }],
        pollingInterval: { showSetting: true },
      },
    },
  });
  // In a scope of its own: the board brings its own error handler.
  await app.register(async (scope) => {
    scope.addHook("onRequest", async (request, reply) => {
      if (write || request.method === "GET" || request.method === "HEAD") return undefined;
      return reply.code(403).send({ error: "read-only: start with --ops-write to allow changes" });
    });
    await scope.register(serverAdapter.registerPlugin(), { prefix: BASE_PATH });
  });
  return {
    close: async () => {
      await Promise.all(queues.map((queue) => queue.close()));
      await connection.quit().catch(() => connection.disconnect());
    },
  };
}
