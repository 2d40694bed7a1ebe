// exec and attach with real clients: kubectl, @kubernetes/client-node, and the protocol by hand.
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import {
  Attach,
  CoreV1Api,
  Exec,
  KubeConfig,
  type V1Pod,
  type V1Status,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { BUSYBOX, noEngine, startEngine, type TestEngine } from "../support/dockerd.ts";
import { gantryUpWith, type Installation, runProgram } from "../support/gantry.ts";
import { waitFor } from "../support/wait-for.ts";

const kubectlIsThere = await runProgram("kubectl", ["version", "--client"]).then(
  ({ code }) => code === 0,
  () => false,
);

const OUTPUT_BYTES = 50 * 1024 * 1024;

const podOf = (image: string): V1Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p" },
  spec: {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 1,
    volumes: [{ name: "data", emptyDir: {} }],
    containers: [
      {
        name: "main",
        image,
        command: ["sh", "-c", "while :; do echo tick; sleep 1; done"],
        volumeMounts: [{ name: "data", mountPath: "/data" }],
      },
      {
        name: "reads",
        image,
        stdin: true,
        stdinOnce: true,
        command: ["sh", "-c", "while read line; do echo got $line; done; echo over"],
      },
    ],
  },
});

interface Place {
  readonly name: string;
  readonly missing: string | null;
  readonly image: string;
  open(): Promise<{ gantry: Installation; close(): Promise<void> }>;
}

const places: readonly Place[] = [
  {
    name: "process",
    missing: null,
    image: "busybox",
    async open() {
      const gantry = await gantryUpWith({}, "--runtime", "process");
      return { gantry, close: () => gantry.stop() };
    },
  },
  {
    name: "docker",
    missing: noEngine,
    image: BUSYBOX,
    async open() {
      const engine: TestEngine = await startEngine();
      const host = { DOCKER_HOST: `unix://${engine.socketPath}` };
      const network = ["--docker-network", "none"];
      const gantry = await gantryUpWith(host, "--runtime", "docker", ...network);
      return {
        gantry,
        async close() {
          await gantry.stop();
          await engine.stop();
        },
      };
    },
  },
];

describe.each(places)("sessions with the $name runtime", ({ missing, image, open }) => {
  describe.skipIf(missing !== null)(missing ?? "here", () => {
    let gantry: Installation;
    let close: () => Promise<void>;
    let core: CoreV1Api;
    let directory: string;
    const config = (): KubeConfig => {
      const loaded = new KubeConfig();
      loaded.loadFromFile(gantry.kubeconfig);
      return loaded;
    };
    beforeAll(async () => {
      ({ gantry, close } = await open());
      directory = await mkdtemp(join(tmpdir(), "gantry-sessions-"));
      core = config().makeApiClient(CoreV1Api);
      await core.createNamespacedPod({ namespace: "default", body: podOf(image) });
      await waitFor("the pod to run", async () => {
        const pod = await gantry.client.pods.get("p");
        return pod.status?.phase === "Running" || undefined;
      });
    });
    afterAll(async () => {
      await close?.();
      await rm(directory, { recursive: true, force: true });
    });

    const kubectl = (args: readonly string[], input = "") =>
      runProgram("kubectl", ["--kubeconfig", gantry.kubeconfig, ...args], {}, input);
    describe.skipIf(!kubectlIsThere)("kubectl", () => {
      test("exec: output, errors and exit code, by WebSocket at the first try", async () => {
        const script = "echo out; echo err >&2; exit 3";
        const done = await kubectl(["exec", "p", "-c", "main", "-v=7", "--", "sh", "-c", script]);
        expect(done.code).toBe(3);
        expect(done.stdout).toBe("out\n");
        expect(done.stderr).toContain("err\n");
        expect(done.stderr).toContain("command terminated with exit code 3");
        expect(done.stderr).toContain("101 Switching Protocols");
        expect(done.stderr).not.toMatch(/fall ?back|SPDY/i);
      });

      test("exec shows why the worker refuses, not that kubectl then tried SPDY", async () => {
        const half: V1Pod = { ...podOf(image), metadata: { name: "half" } };
        const containers = [
          { name: "over", image, command: ["true"] },
          { name: "runs", image, command: ["sleep", "1000"] },
        ];
        half.spec = { ...half.spec, containers };
        await core.createNamespacedPod({ namespace: "default", body: half });
        await waitFor("the container to end", async () => {
          const { status } = await gantry.client.pods.get("half");
          return status?.containerStatuses?.[0]?.state?.terminated;
        });
        const done = await kubectl(["exec", "half", "-c", "over", "--", "true"]);
        expect(done.code).toBe(1);
        expect(done.stderr).toContain('container "over" of pod "half" is not running');
      });

      test("exec -i takes standard input", async () => {
        const command = ["exec", "-i", "p", "-c", "main", "--", "sh", "-c", "cat; echo over"];
        expect((await kubectl(command, "one\ntwo\n")).stdout).toBe("one\ntwo\nover\n");
      });

      test("exec loses nothing of 50 MiB", { timeout: 60_000 }, async () => {
        const script = `head -c ${OUTPUT_BYTES} /dev/zero`;
        const done = await kubectl(["exec", "p", "-c", "main", "--", "sh", "-c", script]);
        expect([done.code, done.stdout.length]).toEqual([0, OUTPUT_BYTES]);
      });

      test("cp both ways", { timeout: 60_000 }, async () => {
        const [from, back] = [join(directory, "from"), join(directory, "back")];
        await writeFile(from, randomBytes(5_000_000));
        const digest = async (path: string): Promise<string> =>
          createHash("sha256")
            .update(await readFile(path))
            .digest("hex");
        const there = await kubectl(["cp", from, "p:/data/file", "-c", "main"]);
        expect(there).toMatchObject({ code: 0, stderr: "" });
        expect((await kubectl(["cp", "p:/data/file", back, "-c", "main"])).code).toBe(0);
        expect(await digest(back)).toBe(await digest(from));
      });

      test("attach -i joins a program that reads", async () => {
        const done = await kubectl(["attach", "-i", "p", "-c", "reads"], "one\ntwo\n");
        expect(done.stdout).toBe("got one\ngot two\nover\n");
        expect(done.code).toBe(0);
      });

      test("run --rm -i", { timeout: 60_000 }, async () => {
        const script = "read line; echo got $line; exit 7";
        const pull = JSON.stringify({ spec: { terminationGracePeriodSeconds: 1 } });
        const command = ["--command", "--", "sh", "-c", script];
        const flags = ["--restart=Never", "--rm", "-i", `--image=${image}`, "--overrides", pull];
        const done = await kubectl(["run", "r", ...flags, ...command], "hello\n");
        expect(done.stdout).toContain("got hello\n");
        expect(done.code).toBe(7);
      });

      test.each([
        [
          "a container that is not there",
          ["exec", "p", "-c", "x", "--", "true"],
          "not valid for pod",
        ],
        ["a pod that is not there", ["exec", "none", "--", "true"], 'pods "none" not found'],
        ["port-forward", ["port-forward", "p", "8080:80"], "there is no pods/portforward"],
        ["debug", ["debug", "p", "--image=x"], "can't be added to a Pod that runs"],
      ])("says why not: %s", async (_what, command, message) => {
        const done = await kubectl(command);
        expect(done.code).toBe(1);
        expect(done.stderr).toContain(message);
      });
    });

    test("@kubernetes/client-node: Exec", async () => {
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
      let [out, err] = ["", ""];
      stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
      stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
      const script = "read line; echo got $line; echo err >&2; exit 4";
      const command = ["sh", "-c", script];
      const status = new Promise<V1Status>((resolve, reject) => {
        const exec = new Exec(config());
        exec
          .exec("default", "p", "main", command, stdout, stderr, stdin, false, resolve)
          .catch(reject);
      });
      stdin.write("hello\n");
      expect(await status).toMatchObject({
        status: "Failure",
        reason: "NonZeroExitCode",
        details: { causes: [{ reason: "ExitCode", message: "4" }] },
      });
      expect([out, err]).toEqual(["got hello\n", "err\n"]);
    });

    test("@kubernetes/client-node: Attach", async () => {
      const stdout = new PassThrough();
      const attach = new Attach(config());
      const socket = await attach.attach("default", "p", "main", stdout, null, null, false);
      let text = "";
      stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
      await waitFor("output", async () => text.includes("tick\n") || undefined);
      socket.close();
    });

    const dial = async (path: string, protocol: string): Promise<WebSocket> => {
      const cluster = config().getCurrentCluster();
      const user = config().getCurrentUser();
      const url = `${cluster?.server.replace("https", "wss")}/api/v1/namespaces/default/pods/${path}`;
      const socket = new WebSocket(url, protocol, {
        ca: Buffer.from(cluster?.caData ?? "", "base64"),
        headers: { authorization: `Bearer ${user?.token}` },
      });
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      return socket;
    };

    test.each(["v5.channel.k8s.io", "v4.channel.k8s.io"])("the protocol %s", async (protocol) => {
      const query = "container=main&command=head&command=-n1&stdin=1&stdout=1&stderr=1";
      const socket = await dial(`p/exec?${query}`, protocol);
      expect(socket.protocol).toBe(protocol);
      const messages: string[] = [];
      socket.on("message", (data: Buffer) =>
        messages.push(`${data[0]}:${data.subarray(1).toString()}`),
      );
      const closed = new Promise<number>((resolve) => socket.once("close", resolve));
      socket.send(Buffer.from("\0first\nsecond\n"));
      expect(await closed).toBe(1000);
      expect(messages).toEqual(["1:", "1:first\n", '3:{"metadata":{},"status":"Success"}']);
    });

    test("v5 tells the end of standard input", async () => {
      const query = "container=main&command=cat&stdin=1&stdout=1";
      const socket = await dial(`p/exec?${query}`, "v5.channel.k8s.io");
      let text = "";
      socket.on("message", (data: Buffer) => {
        if (data[0] === 1) text += data.subarray(1).toString();
      });
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.send(Buffer.from("\0some\n"));
      socket.send(Buffer.from([255, 0]));
      await closed;
      expect(text).toBe("some\n");
    });

    test("a terminal, and its size", async () => {
      const size = "until [ \"$(stty size 2>/dev/null)\" = '33 101' ]; do sleep 0.05; done; tty";
      const words = ["sh", "-c", size].map((word) => `command=${encodeURIComponent(word)}`);
      const query = `container=main&stdin=1&stdout=1&tty=1&${words.join("&")}`;
      const socket = await dial(`p/exec?${query}`, "v5.channel.k8s.io");
      let text = "";
      socket.on("message", (data: Buffer) => {
        if (data[0] === 1) text += data.subarray(1).toString();
      });
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.send(Buffer.from('\x04{"Width":101,"Height":33}'));
      await closed;
      expect(text).toMatch(/^\/dev\/pts\/\d+\r\n$/);
    });

    test("a container that has ended", async () => {
      const short = { name: "main", image, command: ["true"] };
      const spec = { restartPolicy: "Never", containers: [short] };
      const body: V1Pod = { metadata: { name: "ended" }, spec };
      await core.createNamespacedPod({ namespace: "default", body });
      await waitFor("the pod to end", async () => {
        const found = await gantry.client.pods.get("ended");
        return found.status?.phase === "Succeeded" || undefined;
      });
      await expect(dial("ended/exec?command=true&stdout=1", "v5.channel.k8s.io")).rejects.toThrow(
        "400",
      );
    });
  });
});
