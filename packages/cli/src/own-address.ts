// The address by which other machines reach this one, for those who listen on every address.
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { isWildcard, type Listen } from "./listen.ts";
import { UsageError } from "./usage-error.ts";

type Interfaces = NodeJS.Dict<Pick<NetworkInterfaceInfo, "address" | "family" | "internal">[]>;

/** Addresses that are of use on their own link only, as those of a task's metadata service. */
const isLinkLocal = (address: string): boolean => /^(169\.254\.|fe80:)/i.test(address);

/** IPv4 first. Undefined for a machine without a network. */
export const ownAddress = (interfaces: Interfaces = networkInterfaces()): string | undefined => {
  const all = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !isLinkLocal(address));
  return (all.find(({ family }) => family === "IPv4") ?? all[0])?.address;
};

/** A worker tells the api where it listens, so it can't be "everywhere". Throws UsageError. */
export const reachable = (listen: Listen, interfaces?: Interfaces): Listen => {
  if (!isWildcard(listen.host)) return listen;
  const own = ownAddress(interfaces);
  if (own !== undefined) return { ...listen, host: own };
  throw new UsageError("--listen: this machine has no address but loopback; name one");
};
