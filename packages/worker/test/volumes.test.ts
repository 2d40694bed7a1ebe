// How a Pod's volumes lie on the host: owners and modes for fsGroup, what is made for subPath,
// and what of a ConfigMap is for volumes alone.
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PodSpec } from "@gantry/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { containerEnv } from "../src/pod/environment.ts";
import { layOutVolumes, mountsOf } from "../src/pod/volumes.ts";
import type { RunnablePod } from "../src/runtime.ts";
import { runnable } from "./runtime-suite.ts";

const host = { hostIP: "192.0.2.1", podIP: "192.0.2.1", cpus: 1, memoryBytes: 1 };
const sources: RunnablePod["sources"] = new Map([
  ["configmap/conf", new Map([["a", Buffer.from("A")]])],
  ["binarydata/conf", new Map([["bin", Buffer.from([0, 1, 2])]])],
  ["secret/sec", new Map([["token", Buffer.from("s3cret")]])],
]);

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "gantry-volumes-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const layOut = (spec: PodSpec) => {
  const pod = runnable(spec, { sources });
  const directory = join(root, pod.uid);
  return { pod, volumes: layOutVolumes(pod, directory, { host, allowedHostPaths: [] }) };
};

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

const volumes = [
  { name: "empty", emptyDir: {} },
  { name: "conf", configMap: { name: "conf", defaultMode: 0o640 } },
  { name: "sec", secret: { secretName: "sec", defaultMode: 0o400 } },
];

test("without fsGroup modes are those of the spec", () => {
  const { volumes: paths } = layOut({ volumes });
  expect(modeOf(paths.get("empty") ?? "")).toBe("777");
  expect(modeOf(paths.get("sec") ?? "")).toBe("755");
  expect(modeOf(join(paths.get("sec") ?? "", "token"))).toBe("400");
});

test.skipIf(process.getuid?.() !== 0)(
  "fsGroup (only root can give files away): its group reads files and owns what is made",
  () => {
    const { volumes: paths } = layOut({ volumes, securityContext: { fsGroup: 2000 } });
    for (const path of paths.values()) expect(statSync(path).gid).toBe(2000);
    expect(modeOf(paths.get("empty") ?? "")).toBe("2777");
    expect(modeOf(paths.get("sec") ?? "")).toBe("2755");
    expect(modeOf(join(paths.get("sec") ?? "", "token"))).toBe("440");
    expect(modeOf(join(paths.get("conf") ?? "", "a"))).toBe("640");
  },
);

test.each([
  ["subPath", { subPath: "a/b" }],
  ["subPathExpr", { subPathExpr: "$(WHERE)/b" }],
])(
  "%s: the directory that is made is as open as its volume, for users other than root",
  (_, of) => {
    const { pod, volumes: paths } = layOut({ volumes });
    const mounts = [{ name: "empty", mountPath: "/mnt", ...of }];
    const [mount] = mountsOf(pod, mounts, paths, new Map([["WHERE", "a"]]));
    expect(mount?.source).toBe(join(paths.get("empty") ?? "", "a/b"));
    expect(modeOf(mount?.source ?? "")).toBe("777");
  },
);

test("a ConfigMap's binaryData is in volumes and not in environments", () => {
  const { pod, volumes: paths } = layOut({ volumes });
  expect(readFileSync(join(paths.get("conf") ?? "", "bin"))).toEqual(Buffer.from([0, 1, 2]));
  const all = { name: "c", envFrom: [{ configMapRef: { name: "conf" } }] };
  expect([...containerEnv(pod, all, host)]).toEqual([["a", "A"]]);
  const configMapKeyRef = { name: "conf", key: "bin" };
  const one = { name: "c", env: [{ name: "B", valueFrom: { configMapKeyRef } }] };
  expect(() => containerEnv(pod, one, host)).toThrow("couldn't find key bin in configmap");
});
