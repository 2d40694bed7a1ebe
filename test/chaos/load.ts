// The users: they submit Jobs and change them while everything breaks, and remember what was acknowledged.
import type { Random } from "../simulation/random.ts";
import type { Acknowledged, ApiClient } from "./api-client.ts";
import { type JobPlan, planJob, type UserAction } from "./job-mix.ts";
import { pause, uptime } from "./uptime.ts";

export const JOBS = "/apis/batch/v1/namespaces/default/jobs";
export const PODS = "/api/v1/namespaces/default/pods";
export const CRONJOBS = "/apis/batch/v1/namespaces/default/cronjobs";

const MISSING = 404;
const EXISTS = 409;

export interface Write {
  readonly at: number;
  readonly what: string;
  /** What must be seen of it from then on. */
  readonly kind: "create" | "delete" | "spec" | "annotation";
  readonly job: string;
  readonly uid: string | undefined;
  readonly field?: string;
  readonly value?: unknown;
}

export interface LoadPlan {
  readonly jobs: readonly JobPlan[];
  readonly cronJobs: readonly object[];
}

export interface LoadOptions {
  readonly directory: string;
  readonly jobs: number;
  readonly durationMs: number;
  readonly cronJobs: number;
}

const cronJob = (random: Random, n: number) => {
  const container = { name: "main", image: "none", command: ["true"] };
  const annotations = { "gantry.dev/simulated-run-ms": "200" };
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: `cron-${n}` },
    spec: {
      schedule: "* * * * *",
      concurrencyPolicy: random.pick(["Allow", "Forbid", "Replace"]),
      jobTemplate: {
        spec: {
          template: {
            metadata: { annotations },
            spec: {
              restartPolicy: "Never",
              runtimeClassName: "simulated",
              containers: [container],
            },
          },
        },
      },
    },
  };
};

/** A pure function of the seed. */
export const planLoad = (
  random: Random,
  { directory, jobs, durationMs, cronJobs }: LoadOptions,
): LoadPlan => ({
  jobs: Array.from({ length: jobs }, (_, n) => {
    const atMs = Math.floor((n * durationMs) / jobs);
    return planJob(random, { directory, name: `j${n}`, atMs });
  }),
  cronJobs: Array.from({ length: cronJobs }, (_, n) => cronJob(random, n)),
});

export class Load {
  readonly #api: ApiClient;
  readonly #plan: LoadPlan;
  readonly #random: Random;
  readonly #deadline: number;
  readonly writes: Write[] = [];
  readonly violations: string[] = [];
  /** Uptime at which a Job was submitted first. */
  readonly submittedAt = new Map<string, number>();

  constructor(api: ApiClient, plan: LoadPlan, random: Random, deadline: number) {
    this.#api = api;
    this.#plan = plan;
    this.#random = random;
    this.#deadline = deadline;
  }

  /** Resolves when every request is acknowledged. */
  async run(): Promise<void> {
    const began = uptime();
    const cron = this.#plan.cronJobs.map((manifest) =>
      this.#send("POST", CRONJOBS, manifest, [201, EXISTS]),
    );
    await Promise.all([...cron, ...this.#plan.jobs.map((job) => this.#live(job, began))]);
  }

  /** Every Job of this run is deleted, and the orphans with them. */
  async deleteAll(deadline: number): Promise<void> {
    for (const path of [CRONJOBS, JOBS, PODS]) {
      const { body } = await this.#api.certain("GET", path, undefined, [200], deadline);
      const items = (body["items"] ?? []) as readonly { metadata: { name: string } }[];
      const accepted = [200, 202, MISSING];
      for (const { metadata } of items) {
        const target = `${path}/${metadata.name}`;
        const options = { propagationPolicy: "Background", gracePeriodSeconds: 1 };
        await this.#api.certain("DELETE", target, options, accepted, deadline);
      }
    }
  }

  async #live(plan: JobPlan, began: number): Promise<void> {
    await pause((began - uptime()) * 1000 + plan.atMs);
    const uid = await this.#create(plan);
    const created = uptime();
    for (const { afterMs, action } of plan.actions) {
      await pause((created - uptime()) * 1000 + afterMs);
      await this.#act(plan, uid, action);
    }
  }

  async #create({ name, manifest }: JobPlan): Promise<string | undefined> {
    this.submittedAt.set(name, uptime());
    const answer = await this.#send("POST", JOBS, manifest, [201, EXISTS]);
    if (answer.status === EXISTS && answer.attempts === 1) {
      this.violations.push(
        `G5 ${name} exists before it was submitted: ${JSON.stringify(answer.body)}`,
      );
    }
    const uid = answer.status === 201 ? uidOf(answer) : undefined;
    this.#acknowledged(answer, { what: `create ${name}`, kind: "create", job: name, uid });
    return uid;
  }

  async #act({ name }: JobPlan, uid: string | undefined, action: UserAction): Promise<void> {
    const path = `${JOBS}/${name}`;
    const patch = async (what: string, write: Partial<Write>, body: object): Promise<void> => {
      const answer = await this.#send("PATCH", path, body, [200, MISSING]);
      if (answer.status === MISSING) return;
      this.#acknowledged(answer, {
        what: `${what} ${name}`,
        kind: "spec",
        job: name,
        uid,
        ...write,
      });
    };
    switch (action.kind) {
      case "suspend":
      case "resume": {
        const suspend = action.kind === "suspend";
        return patch(action.kind, { field: "suspend", value: suspend }, { spec: { suspend } });
      }
      case "parallelism": {
        const { value } = action;
        return patch("scale", { field: "parallelism", value }, { spec: { parallelism: value } });
      }
      case "annotate": {
        const { value } = action;
        const annotations = { "chaos/mark": value };
        return patch("annotate", { kind: "annotation", value }, { metadata: { annotations } });
      }
      case "delete": {
        const options = { propagationPolicy: action.propagation };
        const answer = await this.#send("DELETE", path, options, [200, 202, MISSING]);
        const what = `delete ${name} (${action.propagation})`;
        this.#acknowledged(answer, { what, kind: "delete", job: name, uid });
        return;
      }
      case "deletePod":
        return this.#deletePod(name, action.graceSeconds);
    }
  }

  async #deletePod(job: string, graceSeconds: number | undefined): Promise<void> {
    const { body } = await this.#send(
      "GET",
      `${PODS}?labelSelector=job-name%3D${job}`,
      undefined,
      [200],
    );
    const items = (body["items"] ?? []) as readonly { metadata: { name: string } }[];
    if (items.length === 0) return;
    const { name } = this.#random.pick(items).metadata;
    const options = graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds };
    await this.#send("DELETE", `${PODS}/${name}`, options, [200, 202, MISSING]);
  }

  #send(method: string, path: string, body: object | undefined, accepted: readonly number[]) {
    return this.#api.certain(method, path, body, accepted, this.#deadline);
  }

  #acknowledged({ at }: Acknowledged, write: Omit<Write, "at">): void {
    this.writes.push({ at, ...write });
  }
}

const uidOf = ({ body }: Acknowledged): string | undefined =>
  (body["metadata"] as { readonly uid?: string } | undefined)?.uid;
