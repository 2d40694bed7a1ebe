// What each type of a hostPath volume asks of its path, on real files, sockets and devices.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hostPathSource } from "../src/pod/host-path.ts";

let root: string;
let server: Server;
let canMakeDevices = true;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "gantry-host-path-"));
  mkdirSync(join(root, "directory"));
  writeFileSync(join(root, "file"), "");
  server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(join(root, "socket"), resolve);
  });
  try {
    execFileSync("mknod", [join(root, "character"), "c", "1", "3"], { stdio: "ignore" });
    execFileSync("mknod", [join(root, "block"), "b", "7", "0"], { stdio: "ignore" });
  } catch {
    canMakeDevices = false;
  }
});
afterAll(() => {
  server.close();
  rmSync(root, { recursive: true, force: true });
});

const all = ["directory", "file", "socket", "character", "block"];

test.each<[type: string, fitting: string, words: string]>([
  ["Directory", "directory", "directory"],
  ["DirectoryOrCreate", "directory", "directory"],
  ["File", "file", "file"],
  ["FileOrCreate", "file", "file"],
  ["Socket", "socket", "socket file"],
  ["CharDevice", "character", "character device"],
  ["BlockDevice", "block", "block device"],
])("%s takes a %s and nothing else", (type, fitting, words) => {
  for (const name of all.filter((one) => canMakeDevices || !/character|block/.test(one))) {
    const path = join(root, name);
    const source = (): string => hostPathSource(path, type, [root]);
    if (name === fitting) expect(source()).toBe(path);
    else expect(source).toThrow(`hostPath type check failed: ${path} is not a ${words}`);
  }
});

test("no type takes anything", () => {
  for (const name of all.slice(0, 3)) {
    expect(hostPathSource(join(root, name), "", [root])).toBe(join(root, name));
  }
});

test.each<[type: string, made: "directory" | "file" | "refused"]>([
  ["", "directory"],
  ["DirectoryOrCreate", "directory"],
  ["FileOrCreate", "file"],
  ["Directory", "refused"],
  ["File", "refused"],
  ["Socket", "refused"],
  ["CharDevice", "refused"],
  ["BlockDevice", "refused"],
])("type %j of a path that is not there: %s", (type, made) => {
  const path = join(root, `new-${type}`);
  if (made === "refused") {
    expect(() => hostPathSource(path, type, [root])).toThrow("hostPath type check failed");
    expect(existsSync(path)).toBe(false);
  } else {
    hostPathSource(path, type, [root]);
    expect(statSync(path).isDirectory()).toBe(made === "directory");
  }
});
