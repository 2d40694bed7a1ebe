// The files of a data directory: who may read them, how long certificates last, and the space on its disk.
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DataDir } from "../data-dir.ts";
import { type Check, fail, graded, ok, warn } from "./check.ts";

const DAY_MS = 86_400_000;
const GIB = 1_073_741_824;

/** Renewed at the next start from here on (certificate.ts), so it should not come to this. */
const EXPIRES_SOON_DAYS = 30;

export function fileChecks(dir: DataDir, nowMs: number): Check[] {
  if (!existsSync(dir.root)) return [ok("files", `there is no ${dir.root} yet`)];
  return [
    modesCheck(dir),
    ...["server.crt", "ca.crt"].flatMap((name) => certificateCheck(join(dir.tls, name), nowMs)),
    diskCheck(dir.root),
  ];
}

function modesCheck(dir: DataDir): Check {
  const secrets = [
    dir.root,
    dir.token,
    dir.secretsKey,
    dir.kubeconfig,
    join(dir.tls, "ca.key"),
    join(dir.tls, "server.key"),
  ].filter((path) => existsSync(path));
  const open = secrets.filter((path) => (statSync(path).mode & 0o077) !== 0);
  if (open.length === 0)
    return ok("files", `${secrets.length} in ${dir.root}, only for their owner`);
  const advice = `chmod go= ${open.join(" ")}, and change what others may have read`;
  return fail("files", `others may read ${open.join(", ")}`, advice);
}

function certificateCheck(path: string, nowMs: number): Check[] {
  const name = "certificate";
  if (!existsSync(path)) return [];
  let expiresAtMs: number;
  try {
    expiresAtMs = Date.parse(new X509Certificate(readFileSync(path)).validTo);
  } catch {
    return [fail(name, `${path} can't be read`, "remove it, and restart Gantry to make another")];
  }
  const days = Math.floor((expiresAtMs - nowMs) / DAY_MS);
  const advice = "restart Gantry, which makes another";
  if (days < 0) return [fail(name, `${path} has run out`, advice)];
  const found = `${path} is good for ${days} days`;
  return [days < EXPIRES_SOON_DAYS ? warn(name, found, advice) : ok(name, found)];
}

function diskCheck(root: string): Check {
  const { bavail, blocks, bsize } = statfsSync(root);
  const free = bavail * bsize;
  const used = blocks === 0 ? 0 : 100 - (100 * bavail) / blocks;
  const found = `${(free / GIB).toFixed(1)} GiB free for ${root}, ${used.toFixed(0)}% used`;
  const advice = "make room: logs of Pods and Redis' append-only file are written there";
  if (free < GIB / 4) return fail("disk", found, advice);
  return graded("disk", used, [90, 98], found, advice);
}
