// Names in URLs and the keys under which objects are stored.
import { badRequest, goQuote } from "@gantry/core";
import type { Strategy } from "./strategy.ts";

/** Longest name that can be stored; a longer one in a URL can't exist. */
const NAME_MAX = 253;

/** A name that can't be part of a key never reaches the store. */
export const checkPathName = (name: string): string => {
  const why =
    name === "." || name === ".."
      ? `may not be '${name}'`
      : name.includes("/")
        ? "may not contain '/'"
        : name.includes("%")
          ? "may not contain '%'"
          : undefined;
  if (why !== undefined) throw badRequest(`invalid resource name ${goQuote(name)}: [${why}]`);
  if (name.length > NAME_MAX) {
    throw badRequest(`invalid resource name: must be no more than ${NAME_MAX} characters`);
  }
  return name;
};

export const storeKey = (
  strategy: Pick<Strategy, "namespaced">,
  namespace: string,
  name: string,
): string => (strategy.namespaced ? `${namespace}/${name}` : name);
