// Reads the node's inbox: Pods of this node that were deleted or removed, as soon as it is committed.
import { connect, type Store, suffix } from "@gantry/store";
import type { Logger } from "pino";

const BLOCK_MS = 10_000;
const RETRY_MS = 500;

export interface Inbox {
  close(): void;
}

export const openInbox = async (
  store: Store,
  node: string,
  log: Logger,
  onPod: (key: string, uid: string) => void,
): Promise<Inbox> => {
  const stream = store.key(suffix.nodeInbox(node));
  const reader = connect(store.connection);
  const last = await store.redis.xrevrange(stream, "+", "-", "COUNT", 1);
  let position = last[0]?.[0] ?? "0-0";
  let closed = false;
  const run = async (): Promise<void> => {
    while (!closed) {
      try {
        const reply = await reader.xread("BLOCK", BLOCK_MS, "STREAMS", stream, position);
        for (const [id, [, key = "", , uid = ""]] of reply?.[0]?.[1] ?? []) {
          position = id;
          onPod(key, uid);
        }
      } catch (error) {
        if (closed) return;
        log.debug({ err: error }, "inbox could not be read; trying again");
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };
  void run();
  return {
    close() {
      closed = true;
      reader.disconnect();
    },
  };
};
