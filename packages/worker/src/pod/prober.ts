// Startup, liveness and readiness probes of one run of a container.
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { HookAction, ProbeAction, ProbePlan } from "./behaviour.ts";

export interface ExecResult {
  readonly exitCode: number;
  readonly output: string;
  readonly timedOut: boolean;
}

/** As much of a probe's or hook's output as a kubelet keeps. */
export const MAX_EXEC_OUTPUT_BYTES = 10 * 1024;

export type Exec = (argv: readonly string[], timeoutMs: number) => Promise<ExecResult>;

/** `null` when it went well, else why not, in a kubelet's words. */
type Failure = string | null;

const overHttp = (
  action: Extract<ProbeAction, { kind: "http" }>,
  timeoutMs: number,
): Promise<Failure> =>
  new Promise((resolve) => {
    const send = action.url.startsWith("https:") ? httpsRequest : httpRequest;
    const timeout = `Get "${action.url}": context deadline exceeded`;
    const request = send(action.url, {
      headers: {
        "user-agent": "gantry-probe",
        accept: "*/*",
        ...Object.fromEntries(action.headers),
      },
      // A kubelet does not check certificates either: it asks whether the container is alive.
      rejectUnauthorized: false,
      signal: AbortSignal.timeout(timeoutMs),
    });
    request.once("response", (response) => {
      const code = response.statusCode ?? 0;
      response.resume();
      resolve(code >= 200 && code < 400 ? null : `HTTP probe failed with statuscode: ${code}`);
    });
    request.once("error", (error) =>
      resolve(
        error.name === "AbortError" || error.name === "TimeoutError"
          ? timeout
          : `Get "${action.url}": ${error.message}`,
      ),
    );
    request.end();
  });

const overTcp = (
  action: Extract<ProbeAction, { kind: "tcp" }>,
  timeoutMs: number,
): Promise<Failure> =>
  new Promise((resolve) => {
    const socket = connect({ host: action.host, port: action.port, timeout: timeoutMs });
    const done = (failure: Failure): void => {
      socket.destroy();
      resolve(failure);
    };
    const target = `dial tcp ${action.host}:${action.port}`;
    socket.once("connect", () => done(null));
    socket.once("timeout", () => done(`${target}: i/o timeout`));
    socket.once("error", (error) => done(`${target}: ${error.message}`));
  });

export const perform = async (
  action: HookAction,
  timeoutMs: number,
  exec: Exec,
): Promise<Failure> => {
  switch (action.kind) {
    case "exec": {
      const { exitCode, output, timedOut } = await exec(action.argv, timeoutMs);
      if (timedOut) {
        const seconds = Math.round(timeoutMs / 1000);
        return `command timed out: ${JSON.stringify(action.argv.join(" "))} timed out after ${seconds}s`;
      }
      return exitCode === 0 ? null : output;
    }
    case "http":
      return overHttp(action, timeoutMs);
    case "tcp":
      return overTcp(action, timeoutMs);
    case "sleep":
      await new Promise((resolve) =>
        setTimeout(resolve, Math.min(action.seconds * 1000, timeoutMs)),
      );
      return null;
  }
};

export interface ProbeReports {
  failed(message: string): void;
  /** The probe's verdict changed, or came for the first time. */
  verdict(healthy: boolean): void;
}

/** Repeats one probe until stopped; a verdict needs its threshold of equal results in a row. */
export class Prober {
  readonly #plan: ProbePlan;
  readonly #exec: Exec;
  readonly #reports: ProbeReports;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #streak = 0;
  #last: boolean | undefined;

  constructor(plan: ProbePlan, exec: Exec, reports: ProbeReports) {
    this.#plan = plan;
    this.#exec = exec;
    this.#reports = reports;
    this.#timer = setTimeout(() => void this.#probe(), plan.initialDelayMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #probe(): Promise<void> {
    const { action, timeoutMs, periodMs, successThreshold, failureThreshold } = this.#plan;
    const startedMs = performance.now();
    const failure = await perform(action, timeoutMs, this.#exec);
    if (this.#stopped) return;
    const healthy = failure === null;
    if (failure !== null) this.#reports.failed(failure);
    this.#streak = this.#last === healthy ? this.#streak + 1 : 1;
    this.#last = healthy;
    if (this.#streak === (healthy ? successThreshold : failureThreshold)) {
      this.#reports.verdict(healthy);
    }
    if (this.#stopped) return;
    const waitMs = Math.max(0, periodMs - (performance.now() - startedMs));
    this.#timer = setTimeout(() => void this.#probe(), waitMs);
  }
}
