// Runs a command in a running container, for probes and hooks.
import type Docker from "dockerode";
import { PassThrough } from "node:stream";
import type { ExecResult } from "../pod/prober.ts";
import { engineMessage } from "./engine-error.ts";

/** The engine can't end a command alone: one that is too slow goes on until its container ends. */
export const execIn = async (
  container: Docker.Container,
  argv: readonly string[],
  timeoutMs: number,
  maxOutputBytes: number,
): Promise<ExecResult> => {
  let output = "";
  let stream: { destroy(): void } | undefined;
  const run = async (): Promise<ExecResult> => {
    const exec = await container.exec({
      Cmd: [...argv],
      AttachStdout: true,
      AttachStderr: true,
    });
    const started = await exec.start({ Detach: false, Tty: false });
    stream = started;
    const text = new PassThrough();
    text.on("data", (chunk: Buffer) => {
      if (output.length < maxOutputBytes) output += chunk.toString();
    });
    container.modem.demuxStream(started, text, text);
    await new Promise<void>((resolve, reject) => {
      started.once("end", resolve);
      started.once("close", resolve);
      started.once("error", reject);
    });
    const { ExitCode } = await exec.inspect();
    return { exitCode: ExitCode ?? -1, output: output.slice(0, maxOutputBytes), timedOut: false };
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ExecResult>((resolve) => {
    timer = setTimeout(
      () => {
        resolve({ exitCode: -1, output, timedOut: true });
        stream?.destroy();
      },
      Math.min(timeoutMs, 2 ** 31 - 1),
    );
  });
  const failed = (error: unknown): ExecResult => ({
    exitCode: -1,
    output: engineMessage(error),
    timedOut: false,
  });
  try {
    return await Promise.race([run().catch(failed), late]);
  } finally {
    clearTimeout(timer);
  }
};
