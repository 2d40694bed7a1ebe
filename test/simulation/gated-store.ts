// A real store whose every command is a step of its process: the simulation says when it runs, and how it fails.
import { Store } from "@gantry/store";
import type { Redis } from "ioredis";
import type { SimulatedProcess, World } from "./world.ts";

export const CELL = "s";

type Command = Parameters<Redis["sendCommand"]>[0];

/** Gives each node the keys and uids that a commit put into its inbox. */
export type OnInbox = (node: string, key: string, uid: string) => void;

const describe = ({ name, args }: Command): string => {
  const texts = args.map(String);
  const sent = name === "evalsha" ? texts.slice(3) : texts;
  return `${name} ${sent.join(" ").slice(0, 400)}`;
};

/** What `writes.ts` tells nodes: `XADD inbox:NODE MAXLEN ~ n * k KEY u UID`. */
const announce = ({ args }: Command, onInbox: OnInbox): void => {
  const texts = args.map(String);
  for (const [n, text] of texts.entries()) {
    if (text !== "XADD" || !(texts[n + 1] ?? "").startsWith("inbox:")) continue;
    onInbox((texts[n + 1] ?? "").slice("inbox:".length), texts[n + 7] ?? "", texts[n + 9] ?? "");
  }
};

export const openGatedStore = async (
  world: World,
  process: SimulatedProcess,
  url: string,
  onInbox: OnInbox,
): Promise<Store> => {
  const store = new Store({ connection: { url }, cell: CELL });
  await store.open();
  const { redis } = store;
  const send = redis.sendCommand.bind(redis);
  const again = (command: Command): Promise<unknown> =>
    redis.duplicateForResend(command).catch(() => {});
  Object.assign(redis, {
    duplicateForResend: async (command: Command) => {
      const { Command: Make } = await import("ioredis");
      const copy = new Make(command.name, command.args.map(String));
      void send(copy);
      return copy.promise;
    },
    sendCommand: (command: Command) => {
      world.step(process, describe(command), async (how) => {
        if (how === "refused") {
          command.reject(new Error("OOM command not allowed when used memory > 'maxmemory'."));
          return;
        }
        if (how === "resent") await again(command);
        if (how === "unheard") {
          await again(command);
          command.reject(new Error("Connection is closed."));
          return;
        }
        void send(command);
        await command.promise.then(
          () => announce(command, onInbox),
          () => {},
        );
      });
      return command.promise;
    },
  });
  return store;
};
