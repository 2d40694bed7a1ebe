// hostPath prefixes.
import { expect, test } from "vitest";
import { isAllowedHostPath } from "./host-paths.ts";

test.each<[path: string, prefixes: string[], allowed: boolean]>([
  ["/srv/data", ["/srv/data"], true],
  ["/srv/data/", ["/srv/data"], true],
  ["/srv/data/a/b", ["/srv/data/"], true],
  ["/srv/./data//a", ["/srv/data"], true],
  ["/anything", ["/"], true],
  ["/srv/database", ["/srv/data"], false],
  ["/srv", ["/srv/data"], false],
  ["/srv/data/../secret", ["/srv/data"], false],
  ["/../srv/data", ["/srv/data"], true],
  ["/srv/data", [], false],
])("%s below %j: %s", (path, prefixes, allowed) => {
  expect(isAllowedHostPath(path, prefixes)).toBe(allowed);
});
