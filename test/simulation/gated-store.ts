// A real store whose every command is a step of its process: the simulation says when it runs, and how it fails.
import { Store } from "@gantry/store";
import { Command, type Redis } from "ioredis";
import type { SimulatedProcess, World } from "./world.ts";

export const CELL = "s";

/** Told of each node, key and uid that a commit put into a node's inbox. */
export type OnInbox = (node: string, key: string, uid: string) => void;

const TRACED_LENGTH = 1_500;

const describe = ({ name, args }: Command): string => {
  const texts = args.map(String);
  return `${name} ${(name === "evalsha" ? texts.slice(3) : texts).join(" ").slice(0, TRACED_LENGTH)}`;
};

/** Whether a commit puts Pods on a queue: `q n QUEUE ...`. */
const enqueues = ({ name, args }: Command): boolean => name === "evalsha" && args.includes("q");

/** What a commit tells nodes: `XADD inbox:NODE MAXLEN ~ n * k KEY u UID`. */
const tellNodes = ({ args }: Command, onInbox: OnInbox): void => {
  const texts = args.map(String);
  for (const [n, text] of texts.entries()) {
    if (text !== "XADD" || !(texts[n + 1] ?? "").startsWith("inbox:")) continue;
    onInbox((texts[n + 1] ?? "").slice("inbox:".length), texts[n + 7] ?? "", texts[n + 9] ?? "");
  }
};

const byBytes = (a: unknown, b: unknown): number => Buffer.compare(a as Buffer, b as Buffer);

/** A flat list of names and values, by name. */
const sortedPairs = (flat: readonly unknown[]): unknown[] => {
  const pairs = flat.flatMap((name, n) => (n % 2 === 0 ? [[name, flat[n + 1]]] : []));
  return pairs.sort(([a], [b]) => byBytes(a, b)).flat();
};

/** Of the replies of scripts, only a Job's snapshot has lists that come from sets. */
const snapshotInOrder = (reply: unknown): unknown => {
  if (!Array.isArray(reply) || !Array.isArray(reply[5]) || !Array.isArray(reply[6])) return reply;
  const [ownerless, pods] = [reply[5] as Buffer[], reply[6] as Buffer[]];
  return [...reply.slice(0, 5), ownerless.toSorted(byBytes), sortedPairs(pods)];
};

/**
 * Redis gives sets and hashes in an order that differs from server to server. For a seed to replay,
 * it is always the same here; `job-snapshot.lua` has two sets in its reply.
 */
const inOrder = (name: string, reply: unknown): unknown => {
  if (!Array.isArray(reply)) return reply;
  if (name === "smembers") return reply.toSorted(byBytes);
  if (name === "hgetall") return sortedPairs(reply);
  return name === "evalsha" ? reply.map(snapshotInOrder) : reply;
};

/** `redis` is the simulation's one connection; the store's own is never used. */
export const openGatedStore = (
  world: World,
  process: SimulatedProcess,
  connection: { readonly url: string; readonly redis: Redis },
  { onInbox, onQueued }: { readonly onInbox: OnInbox; readonly onQueued: () => Promise<void> },
): Store => {
  const { url, redis } = connection;
  const store = new Store({ connection: { url }, cell: CELL });
  store.redis.disconnect();
  const sendCopy = async ({ name, args }: Command): Promise<void> => {
    const copy = new Command(name, args.map(String));
    void redis.sendCommand(copy);
    await copy.promise.catch(() => {});
  };
  const gate = (command: Command): unknown => {
    world.step(process, describe(command), async (how) => {
      if (how === "refused") {
        command.reject(new Error("OOM command not allowed when used memory > 'maxmemory'."));
        return;
      }
      if (how === "resent" || how === "unheard") await sendCopy(command);
      if (how === "unheard") {
        tellNodes(command, onInbox);
        if (enqueues(command)) await onQueued();
        command.reject(new Error("Connection is closed."));
        return;
      }
      const { resolve } = command;
      command.resolve = (reply: unknown) => resolve(inOrder(command.name, reply));
      void redis.sendCommand(command);
      await command.promise.catch(() => {});
      tellNodes(command, onInbox);
      if (enqueues(command)) await onQueued();
    });
    return command.promise;
  };
  store.redis.sendCommand = gate as Redis["sendCommand"];
  return store;
};
