// The recorded session with the real kubectl, command by command, against `gantry up`.
import { execFileSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Finished, gantryUp, type Installation, runProgram } from "../support/gantry.ts";
import { differencesOfCommands, momentary } from "./transcript-differences.ts";
import { normalLine } from "./transcript-normal-form.ts";
import {
  type RecordedCommand,
  recordedCommands,
  recordingIsThere,
  recordings,
} from "./transcript-recording.ts";

/** Another kubectl prints other things. */
const RECORDED_VERSION = /^Client Version: v1\.32\./;

const versionOf = (): string => {
  try {
    return execFileSync("kubectl", ["version", "--client"], { stdio: "pipe" }).toString();
  } catch {
    return "";
  }
};

const missing = !recordingIsThere
  ? "the recordings are not on this machine"
  : RECORDED_VERSION.test(versionOf())
    ? undefined
    : "kubectl 1.32 is not on the PATH";

interface Shown {
  readonly code: number | null;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

const lines = (text: string): string[] => (text === "" ? [] : text.trimEnd().split("\n"));

const shown = (words: readonly string[], { code, stdout, stderr }: Finished): Shown =>
  inOrder(words, {
    code,
    stdout: lines(stdout).map(normalLine),
    stderr: lines(stderr).map(normalLine),
  });

const recorded = ({ words, code, stdout, stderr }: RecordedCommand): Shown =>
  inOrder(words, { code, stdout: stdout.map(normalLine), stderr: stderr.map(normalLine) });

/** Pods stand in the order of their names, which are random. */
const inOrder = (words: readonly string[], { stdout, ...rest }: Shown): Shown => ({
  ...rest,
  stdout: /^get .*pods/.test(words.join(" ")) ? stdout.toSorted() : stdout,
});

/** Those that change nothing: what they show may need a moment. */
const reads: ReadonlySet<string> = new Set(["get", "describe", "events", "diff", "api-resources"]);
/** How long a read may take to show what was recorded. */
const SETTLE_MS = 4_000;
const PAUSE_MS = 100;

/** timeout(1) says that it cut a command off; the recorder did so with those that go on. */
const CUT_OFF = 124;
/** Less than the two seconds after which `kubectl wait --timeout=2s` gives up by itself. */
const CUT_SECONDS = "1.7";

describe.skipIf(missing !== undefined)(
  `the recorded commands${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let gantry: Installation;
    let directory: string;
    beforeAll(async () => {
      gantry = await gantryUp("--runtime", "simulated");
      directory = await mkdtemp(join(tmpdir(), "gantry-transcript-"));
      await cp(join(recordings, "manifests"), join(directory, "manifests"), { recursive: true });
      // The recorded kubelet took the exit code from the environment.
      const failing = join(directory, "manifests/fail.yaml");
      const text = await readFile(failing, "utf8");
      const annotation = '    metadata: {annotations: {gantry.dev/simulated-exit-code: "3"}}\n';
      await writeFile(failing, text.replace("  template:\n", `  template:\n${annotation}`));
    });
    afterAll(async () => {
      await gantry.stop();
      await rm(directory, { recursive: true, force: true });
    });

    const run = ({ words, code }: RecordedCommand): Promise<Finished> => {
      const command = ["kubectl", ...words];
      const [program = "", ...rest] =
        code === CUT_OFF ? ["timeout", CUT_SECONDS, ...command] : command;
      return runProgram(program, rest, { KUBECONFIG: gantry.kubeconfig }, "", directory);
    };

    const same = (a: Shown, b: Shown): boolean => JSON.stringify(a) === JSON.stringify(b);

    const settled = async (command: RecordedCommand): Promise<Shown> => {
      const expected = recorded(command);
      const deadline = Date.now() + SETTLE_MS;
      for (;;) {
        const actual = shown(command.words, await run(command));
        const endless = command.words.includes("-w") && command.code !== CUT_OFF;
        const again = reads.has(command.words[0] ?? "") && !endless;
        const known = differencesOfCommands.has(command.number) || momentary.has(command.number);
        if (same(actual, expected) || !again || known || Date.now() > deadline) return actual;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    };

    const title = ({ number, words }: RecordedCommand): string =>
      `${String(number).padStart(3, "0")} kubectl ${words.join(" ")}`;

    test.each(
      missing === undefined ? recordedCommands().map((one) => [title(one), one] as const) : [],
    )("%s", async (_title, command) => {
      const actual = await settled(command);
      if (momentary.has(command.number)) {
        expect(actual.code).toBe(command.code);
        return;
      }
      const reason = differencesOfCommands.get(command.number);
      if (reason === undefined) expect(actual).toEqual(recorded(command));
      // An entry that is no longer needed has to go.
      else expect(actual).not.toEqual(recorded(command));
    });
  },
);
