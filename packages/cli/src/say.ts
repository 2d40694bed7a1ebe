// What a command says to a person: on stderr, because stdout is for results.
import type { Say } from "./redis/find.ts";

export const say: Say = (text) => {
  process.stderr.write(`gantry: ${text}\n`);
};
