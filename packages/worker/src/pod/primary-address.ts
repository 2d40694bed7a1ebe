// The address of this host that its Pods report.
import { networkInterfaces } from "node:os";

export const primaryAddress = (): string => {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
};
