// The yardstick: BullMQ alone, adding and processing as many jobs that do nothing.
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";

/** Jobs of one `addBulk`; larger ones are no faster. */
const BULK = 1_000;

/** Milliseconds from the first add to the end of the last job. */
export const bareBullMq = async (
  socket: string,
  jobs: number,
  concurrency: number,
): Promise<number> => {
  const connection = (): Redis => new Redis({ path: socket, maxRetriesPerRequest: null });
  const [adding, processing] = [connection(), connection()];
  const name = "bare";
  const queue = new Queue(name, { connection: adding, prefix: "bench" });
  let ended = 0;
  let finish: () => void = () => {};
  const all = new Promise<void>((resolve) => (finish = resolve));
  const worker = new Worker(
    name,
    async () => {
      ended += 1;
    },
    { connection: processing, prefix: "bench", concurrency },
  );
  worker.on("completed", () => {
    if (ended === jobs) finish();
  });
  await worker.waitUntilReady();
  const startedAt = performance.now();
  for (let first = 0; first < jobs; first += BULK) {
    const length = Math.min(BULK, jobs - first);
    await queue.addBulk(
      Array.from({ length }, (_, n) => ({
        name: "no-op",
        data: { n: first + n },
        opts: { removeOnComplete: { count: 1_000 } },
      })),
    );
  }
  await all;
  const ms = performance.now() - startedAt;
  await worker.close();
  await queue.obliterate({ force: true });
  await queue.close();
  adding.disconnect();
  processing.disconnect();
  return ms;
};
