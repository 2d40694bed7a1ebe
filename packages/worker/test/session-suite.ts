// What every runtime with exec and attach must do. Run against each by `*.sessions.test.ts`.
import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PodSpec } from "@gantry/core";
import type { RunnablePod, Runtime } from "../src/runtime.ts";
import type { Session, SessionEnd, SessionRequest } from "../src/sessions/session.ts";
import { launch, runnable, type Trial, until } from "./runtime-suite.ts";

type Container = NonNullable<PodSpec["containers"]>[number];

export interface SessionWays {
  /** A container that runs this script. */
  readonly shell: (script: string, extra?: Container) => Container;
  /** How a command ends that does not exist. */
  readonly missing: (end: SessionEnd) => void;
}

export interface SessionResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly end: SessionEnd;
}

const textOf = async (stream: Readable | null): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

export const resultOf = async (session: Session): Promise<SessionResult> => {
  const { stdout, stderr, ended } = session;
  const [out, err] = await Promise.all([textOf(stdout), textOf(stderr)]);
  return { stdout: out, stderr: err, end: await ended };
};

const OUTPUT_BYTES = 50 * 1024 * 1024;
const forever = "while :; do sleep 1; done";

export const sessionSuite = (open: () => Promise<Runtime>, ways: SessionWays): void => {
  describe("sessions", () => {
    let runtime: Runtime;
    let pod: RunnablePod;
    let trial: Trial;
    const running = async (spec: PodSpec): Promise<[RunnablePod, Trial]> => {
      const started = runnable({ terminationGracePeriodSeconds: 1, ...spec });
      const trialOf = launch(runtime, started);
      await until("the container to run", () => trialOf.last?.containers[0]?.state === "running");
      return [started, trialOf];
    };
    const session = (
      of: RunnablePod,
      command: readonly string[] | null,
      extra: Partial<SessionRequest> = {},
    ): Promise<Session> => {
      const base = { container: "main", stdin: false, stdout: true, stderr: true, tty: false };
      if (runtime.openSession === undefined) throw new Error("no sessions");
      return runtime.openSession(of, { ...base, command, ...extra });
    };
    const exec = async (script: string): Promise<SessionResult> =>
      resultOf(await session(pod, ["sh", "-c", script]));

    beforeAll(async () => {
      runtime = await open();
      const env = [{ name: "GREETING", value: "hello" }];
      const volumeMounts = [{ name: "data", mountPath: "/data" }];
      const main = ways.shell(`echo here > /data/file; ${forever}`, { env, volumeMounts });
      [pod, trial] = await running({
        containers: [main],
        volumes: [{ name: "data", emptyDir: {} }],
      });
    });
    afterAll(async () => {
      trial?.running?.stop(0);
      await trial?.ended;
      await runtime?.remove(pod);
      await runtime?.close();
    });

    test("a command's streams are apart, and its exit code is told", async () => {
      expect(await exec("echo out; echo err >&2; exit 3")).toEqual({
        stdout: "out\n",
        stderr: "err\n",
        end: { kind: "exited", exitCode: 3 },
      });
    });

    test("it has the container's environment and mounts", async () => {
      const { stdout } = await exec("echo $GREETING; cat /data/file");
      expect(stdout).toBe("hello\nhere\n");
    });

    test("input passes until its end", async () => {
      const opened = await session(pod, ["sh", "-c", "cat; echo over"], { stdin: true });
      opened.stdin?.write("one\n");
      opened.stdin?.end("two\n");
      expect(await resultOf(opened)).toMatchObject({
        stdout: "one\ntwo\nover\n",
        end: { kind: "exited", exitCode: 0 },
      });
    });

    test("50 MiB of output come whole though they are read late", { timeout: 60_000 }, async () => {
      const script = `head -c ${OUTPUT_BYTES} /dev/zero`;
      const opened = await session(pod, ["sh", "-c", script]);
      // Nothing is read until there is more than a buffer holds.
      const { readableHighWaterMark: mark = 0 } = opened.stdout ?? {};
      await until("output", () => (opened.stdout?.readableLength ?? 0) >= mark);
      let bytes = 0;
      const [, end] = await Promise.all([
        (async () => {
          for await (const chunk of opened.stdout ?? []) bytes += (chunk as Buffer).length;
        })(),
        opened.ended,
        textOf(opened.stderr),
      ]);
      expect({ bytes, end }).toEqual({ bytes: OUTPUT_BYTES, end: { kind: "exited", exitCode: 0 } });
    });

    test("a terminal has one output, and the size that it is told", async () => {
      const script =
        "until [ \"$(stty size 2>/dev/null)\" = '33 101' ]; do sleep 0.05; done; echo err >&2";
      const opened = await session(pod, ["sh", "-c", `${script}; tty; exit 5`], { tty: true });
      opened.resize(101, 33);
      const { stdout, stderr, end } = await resultOf(opened);
      expect(stdout).toMatch(/^err\r\n\/dev\/pts\/\d+\r\n$/);
      expect({ stderr, end }).toEqual({ stderr: "", end: { kind: "exited", exitCode: 5 } });
    });

    test("a command that does not exist", async () => {
      ways.missing((await resultOf(await session(pod, ["nosuch-program"]))).end);
    });

    test("there is no session in a container that does not run", async () => {
      const gone = { ...pod, uid: "00000000-0000-4000-8000-000000000000" };
      await expect(session(gone, ["true"])).rejects.toThrow(
        'container "main" of pod "pod-1" is not',
      );
    });

    test("a command ends with its container", async () => {
      const [other, ofOther] = await running({ containers: [ways.shell(forever)] });
      const opened = await session(other, ["sh", "-c", "echo up; exec sleep 1000"]);
      await until("the command to run", () => (opened.stdout?.readableLength ?? 0) > 0);
      const result = resultOf(opened);
      ofOther.running?.stop(0);
      await ofOther.ended;
      expect((await result).end).toEqual({ kind: "exited", exitCode: 137 });
      await runtime.remove(other);
    });

    test("attaching: output from now on, until the container ends", async () => {
      const go = `/tmp/go-${randomUUID()}`;
      const script = `until [ -e ${go} ]; do sleep 0.05; done; rm ${go}; echo out; echo err >&2`;
      const [other, ofOther] = await running({ containers: [ways.shell(script)] });
      const attached = resultOf(await session(other, null));
      await resultOf(await session(other, ["touch", go]));
      expect(await attached).toEqual({
        stdout: "out\n",
        stderr: "err\n",
        end: { kind: "detached" },
      });
      await ofOther.ended;
      await runtime.remove(other);
    });

    test("attaching to the input of a container with stdin: true", async () => {
      const extra = { stdin: true, stdinOnce: true };
      const script = "while read line; do echo got $line; done; echo over";
      const [other, ofOther] = await running({ containers: [ways.shell(script, extra)] });
      const attached = await session(other, null, { stdin: true });
      attached.stdin?.end("one\ntwo\n");
      expect((await resultOf(attached)).stdout).toBe("got one\ngot two\nover\n");
      expect((await ofOther.ended).phase).toBe("Succeeded");
      await runtime.remove(other);
    });

    test("without stdin: true there is no input to attach to", async () => {
      await expect(session(pod, null, { stdin: true })).rejects.toThrow("it has no stdin: true");
    });
  });
};
