// Waits for jobs of a queue: pops BullMQ's marker, as its own workers do, and rings the reader.
import { connect, type Store } from "@gantry/store";
import type { PodQueueReader } from "./pod-queue-reader.ts";

/** A queue is looked at this often though no marker said so. */
const BLOCK_SECONDS = 5;
const RETRY_MS = 500;

export interface MarkerListener {
  close(): void;
}

export const listenToMarker = (
  store: Store,
  marker: string,
  reader: Pick<PodQueueReader, "room" | "roomy" | "ring">,
): MarkerListener => {
  const redis = connect(store.connection);
  let closed = false;
  const wait = async (): Promise<void> => {
    await reader.roomy();
    if (closed) return;
    const popped = await redis.bzpopmin(marker, BLOCK_SECONDS);
    if (reader.room > 0) reader.ring();
    // Full by now: it is for another worker.
    else if (popped !== null) await store.redis.zadd(marker, "0", "0");
  };
  const run = async (): Promise<void> => {
    while (!closed) {
      try {
        await wait();
      } catch {
        // The server is away, or on its way back.
        if (!closed) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };
  void run();
  return {
    close() {
      closed = true;
      redis.disconnect();
    },
  };
};
