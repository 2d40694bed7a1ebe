// What people can do to queues in Bull Board or with BullMQ's own tools, by BullMQ's API.
import { queuePrefix } from "@gantry/store";
import { type Job, Queue } from "bullmq";
import type { Random } from "../simulation/random.ts";
import type { ChaosQueue, QueueMischief } from "./faults.ts";
import type { ChaosRedis } from "./redis.ts";
import { pause } from "./uptime.ts";

const CELL = "gantry";
/** Jobs touched by one hand. */
const TOUCHED_MAX = 10;
/** BullMQ takes this token as leave to pass over a lock. */
const ANY_TOKEN = "0";

/** Resolves with how many jobs were touched; `-1` where the queue is touched as a whole. */
export const disturbQueue = (
  redis: ChaosRedis,
  name: ChaosQueue,
  mischief: QueueMischief,
  random: Random,
  forMs: number,
): Promise<number> =>
  redis.ask(async (connection) => {
    const prefix = queuePrefix({ cell: CELL } as Parameters<typeof queuePrefix>[0]);
    const queue = new Queue(name, { connection, prefix });
    queue.on("error", () => {});
    const some = async (
      types: Parameters<Queue["getJobs"]>[0],
      act: (job: Job) => Promise<unknown>,
    ): Promise<number> => {
      const jobs = (await queue.getJobs(types)).filter((job) => job !== undefined);
      let touched = 0;
      for (let n = 0; n < TOUCHED_MAX && jobs.length > 0; n++) {
        const [job] = jobs.splice(random.int(0, jobs.length - 1), 1);
        if (job === undefined) break;
        // It may be locked, or gone by now.
        await act(job).then(
          () => (touched += 1),
          () => {},
        );
      }
      return touched;
    };
    try {
      switch (mischief) {
        case "remove":
          return await some(["waiting", "delayed", "completed", "failed"], (job) => job.remove());
        case "retry":
          return (
            (await some(["failed"], (job) => job.retry("failed"))) +
            (await some(["completed"], (job) => job.retry("completed")))
          );
        case "promote":
          return await some(["delayed"], (job) => job.promote());
        case "moveToFailed":
          return await some(["active", "waiting"], (job) =>
            job.moveToFailed(new Error("moved by hand"), ANY_TOKEN),
          );
        case "drain":
          await queue.drain(true);
          return -1;
        case "clean":
          for (const type of ["completed", "failed", "wait", "delayed"] as const) {
            await queue.clean(0, 1_000, type);
          }
          return -1;
        case "pause":
          await queue.pause();
          await pause(forMs);
          await queue.resume();
          return -1;
        case "obliterate":
          await queue.obliterate({ force: true });
          return -1;
      }
    } finally {
      await queue.close().catch(() => {});
    }
  });
