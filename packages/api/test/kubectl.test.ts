// The real kubectl over TLS against the API alone: what works without a scheduler.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
import { type RunningApi, startApi } from "../src/index.ts";
import { configMap, jobManifest, TOKEN } from "./api-under-test.ts";

const runs = (command: string, ...args: string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

const missing = !runs("kubectl", "version", "--client")
  ? "kubectl is not on PATH"
  : runs("openssl", "version")
    ? undefined
    : "openssl, which makes the certificate, is not on PATH";

let directory: string;
let redis: TestRedis;
let api: RunningApi;

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const kubectl = (args: readonly string[], input = ""): Promise<Run> =>
  new Promise((resolve) => {
    const environment = {
      ...process.env,
      KUBECONFIG: join(directory, "kubeconfig"),
      HOME: directory,
    };
    const child = execFile("kubectl", args, { env: environment }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
    });
    child.stdin?.end(input);
  });

const REQUEST =
  "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=gantry " +
  "-addext subjectAltName=IP:127.0.0.1";

const certificate = (): { key: string; cert: string } => {
  const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  execFileSync("openssl", [...REQUEST.split(" "), "-keyout", key, "-out", cert], {
    stdio: "ignore",
  });
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
};

const kubeconfig = (port: number, cert: string): object => ({
  apiVersion: "v1",
  kind: "Config",
  clusters: [
    {
      name: "gantry",
      cluster: {
        server: `https://127.0.0.1:${port}`,
        "certificate-authority-data": Buffer.from(cert).toString("base64"),
      },
    },
  ],
  users: [{ name: "gantry", user: { token: TOKEN } }],
  contexts: [{ name: "gantry", context: { cluster: "gantry", user: "gantry" } }],
  "current-context": "gantry",
});

describe.skipIf(missing !== undefined)(
  `kubectl${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), "gantry-kubectl-"));
      redis = await startRedis();
      const tls = certificate();
      api = await startApi({
        redis: { url: redis.url },
        listen: { host: "127.0.0.1", port: 0 },
        tls,
        token: TOKEN,
        ops: null,
        log: pino({ level: "silent" }),
        version: "0.0.0",
        defaultRuntime: "process",
      });
      writeFileSync(join(directory, "kubeconfig"), JSON.stringify(kubeconfig(api.port, tls.cert)));
    });
    afterAll(async () => {
      await api.close();
      await redis.stop();
      rmSync(directory, { recursive: true, force: true });
    });

    const apply = (manifest: object, ...args: string[]) =>
      kubectl(["apply", "-f", "-", ...args], JSON.stringify(manifest));

    test("apply creates, says unchanged, configures, and refuses what is immutable", async () => {
      const manifest = jobManifest("pi", { suspend: true });
      expect(await apply(manifest)).toEqual({ code: 0, out: "job.batch/pi created\n", err: "" });
      expect((await apply(manifest)).out).toBe("job.batch/pi unchanged\n");
      const labelled = jobManifest("pi", { suspend: true }, { labels: { team: "a" } });
      expect((await apply(labelled)).out).toBe("job.batch/pi configured\n");
      const changed = await apply(jobManifest("pi", { suspend: true, completions: 7 }));
      expect(changed.code).toBe(1);
      expect(changed.err).toContain("spec.completions: Invalid value: 7: field is immutable");
    });

    test("get, describe, explain, api-resources", async () => {
      expect((await kubectl(["get", "jobs"])).out).toMatch(
        /^NAME +STATUS +COMPLETIONS +DURATION +AGE\npi +Running +0\/1/,
      );
      expect((await kubectl(["describe", "job", "pi"])).out).toMatch(
        /Completion Mode: +NonIndexed/,
      );
      expect((await kubectl(["explain", "job.spec.completionMode"])).out).toContain(
        "FIELD: completionMode <string>",
      );
      const resources = (await kubectl(["api-resources", "--api-group=batch", "-o", "name"])).out;
      expect(resources.split("\n").toSorted()).toEqual(["", "cronjobs.batch", "jobs.batch"]);
      expect((await kubectl(["get", "all", "-A"])).err).toBe("");
    });

    test("unknown fields are refused by validation", async () => {
      const { code, err } = await apply(jobManifest("bad", { complexions: 2 }));
      expect(code).toBe(1);
      expect(err).toContain('unknown field "spec.complexions"');
    });

    test("create with protobuf, label, annotate, patch, set, edit by replace", async () => {
      expect((await kubectl(["create", "job", "made", "--image=busybox", "--", "true"])).out).toBe(
        "job.batch/made created\n",
      );
      expect((await kubectl(["create", "configmap", "c", "--from-literal=a=1"])).out).toBe(
        "configmap/c created\n",
      );
      expect((await kubectl(["label", "job", "made", "x=y"])).out).toBe("job.batch/made labeled\n");
      expect((await kubectl(["annotate", "job", "made", "note="])).out).toBe(
        "job.batch/made annotated\n",
      );
      const patch = ["patch", "job", "made", "-p", '{"spec":{"parallelism":0}}'];
      expect((await kubectl(patch)).out).toBe("job.batch/made patched\n");
      expect(
        (
          await kubectl([
            "get",
            "job",
            "made",
            "-o",
            "jsonpath={.spec.parallelism}{.metadata.labels.x}",
          ])
        ).out,
      ).toBe("0y");
      const manifest = (await kubectl(["get", "cm", "c", "-o", "json"])).out.replace(
        '"a": "1"',
        '"a": "2"',
      );
      expect((await kubectl(["replace", "-f", "-"], manifest)).out).toBe("configmap/c replaced\n");
    });

    test("wait, delete with every policy, delete by selector", async () => {
      const waiting = kubectl([
        "wait",
        "--for=jsonpath={.spec.parallelism}=2",
        "job/made",
        "--timeout=10s",
      ]);
      await kubectl(["patch", "job", "made", "-p", '{"spec":{"parallelism":2}}']);
      expect((await waiting).out).toBe("job.batch/made condition met\n");
      expect((await kubectl(["delete", "job", "made"])).out).toBe('job.batch "made" deleted\n');
      expect((await kubectl(["delete", "jobs", "-l", "team=a"])).out).toBe(
        'job.batch "pi" deleted\n',
      );
      expect((await kubectl(["get", "jobs"])).err).toBe(
        "No resources found in default namespace.\n",
      );
      expect((await kubectl(["delete", "job", "made"])).err).toContain(
        'jobs.batch "made" not found',
      );
    });

    test("apply --prune takes away what is no longer there", async () => {
      const labelled = (name: string): object => configMap(name, {}, { labels: { app: "pruned" } });
      const list = (...names: string[]): object => ({
        apiVersion: "v1",
        kind: "List",
        items: names.map(labelled),
      });
      const both = await apply(list("kept", "gone"), "--prune", "-l", "app=pruned");
      expect([both.code, both.out]).toEqual([
        0,
        "configmap/kept created\nconfigmap/gone created\n",
      ]);
      const one = await apply(list("kept"), "--prune", "-l", "app=pruned");
      expect([one.code, one.out]).toEqual([0, "configmap/kept unchanged\nconfigmap/gone pruned\n"]);
    });

    test("namespaces, secrets, who am I", async () => {
      expect((await kubectl(["create", "namespace", "team"])).code).toBe(0);
      expect((await kubectl(["-n", "team", "get", "cm", "-o", "name"])).out).toBe(
        "configmap/kube-root-ca.crt\n",
      );
      expect((await kubectl(["create", "secret", "generic", "s", "--from-literal=p=q"])).code).toBe(
        0,
      );
      expect((await kubectl(["get", "secret", "s", "-o", "jsonpath={.data.p}"])).out).toBe("cQ==");
      expect((await kubectl(["auth", "can-i", "create", "jobs"])).out).toBe("yes\n");
      const bob = ["--as=bob", "--as-group=devs", "--as-group=ops"];
      expect(await kubectl(["auth", "can-i", "create", "jobs", ...bob])).toMatchObject({
        code: 1,
        out: "no\n",
      });
      expect((await kubectl(["auth", "whoami", ...bob])).out).toMatch(
        /Username +bob\nGroups +\[devs ops system:authenticated\]\n$/,
      );
      const list = await kubectl(["auth", "can-i", "--list", ...bob]);
      expect(list.out).toMatch(/^selfsubjectreviews\.authentication\.k8s\.io .*\[create\]$/m);
      expect(list.out).not.toContain("*.*");
      const wrong = await kubectl(["--token=wrong", "get", "jobs"]);
      expect(wrong.err).toContain("Unauthorized");
    });
  },
);
