// Which of a machine's addresses a worker tells the api.
import { expect, test } from "vitest";
import { ownAddress, reachable } from "./own-address.ts";

const address = (text: string, family: "IPv4" | "IPv6" = "IPv4", internal = false) => ({
  address: text,
  family,
  internal,
});

test("loopback and link-local addresses are passed over, IPv4 comes first", () => {
  const metadata = address("169.254.172.2");
  expect(
    ownAddress({
      lo: [address("127.0.0.1", "IPv4", true), address("::1", "IPv6", true)],
      eth0: [metadata, address("fe80::1", "IPv6")],
      eth1: [address("2a05::7", "IPv6"), address("10.40.16.9")],
    }),
  ).toBe("10.40.16.9");
  expect(ownAddress({ eth0: [metadata, address("2a05::7", "IPv6")] })).toBe("2a05::7");
  expect(ownAddress({ eth0: [metadata] })).toBeUndefined();
});

test("only a wildcard is replaced", () => {
  const four = { eth0: [address("10.0.0.1")] };
  expect(reachable({ host: "0.0.0.0", port: 7444 }, four)).toEqual({
    host: "10.0.0.1",
    port: 7444,
  });
  const six = { eth0: [address("2a05::7", "IPv6")] };
  expect(reachable({ host: "::", port: 0 }, six)).toEqual({ host: "2a05::7", port: 0 });
  const loopback = { host: "127.0.0.1", port: 1 };
  expect(reachable(loopback, four)).toEqual(loopback);
  expect(() => reachable({ host: "0.0.0.0", port: 1 }, {})).toThrow("no address but loopback");
});
