// The endpoints beside the services: `/_fake/...` to watch and to steer by hand, and `/v4/...`, the
// metadata that containers read of themselves.
import type { MovableClock } from "./clock.ts";
import type { Account } from "./ecs/account.ts";
import type { EcsContext } from "./ecs/ecs-context.ts";
import type { Interruption } from "./ecs/task-lifecycle.ts";
import type { Tasks } from "./ecs/tasks.ts";
import type { Script } from "./faults.ts";
import type { Reply } from "./wire/encode-reply.ts";

const json = (status: number, value: unknown): Reply => ({
  status,
  headers: { "content-type": "application/json" },
  body: `${JSON.stringify(value, null, 2)}\n`,
});

const interruptionKinds: readonly string[] = ["spot", "hostLoss", "maintenance", "humanStop"];

const usage = [
  "GET /_fake/runs       every task that was made, and what ran of it",
  "GET /_fake/live       those that have not ended",
  "GET /_fake/requests   requests and their outcomes",
  "GET /_fake/faults     faults that were injected",
  "GET /_fake/problems   requests that were not as the model says, and the fake's own faults",
  'POST /_fake/script    {"on":"RunTask","fault":"dropAfter","times":1,"match":"text","ms":500}',
  `POST /_fake/interrupt {"task":"arn","kind":"${[...interruptionKinds, "vanish"].join("|")}"}`,
  'POST /_fake/advance   {"ms":3600000}',
  'POST /_fake/account   {"passableRoles":["arn"],"subnets":["subnet-1"],"clusters":["default"]}',
];

export class Control {
  readonly #context: EcsContext;
  readonly #tasks: Tasks;
  readonly #clock: MovableClock;

  constructor(context: EcsContext, tasks: Tasks, clock: MovableClock) {
    this.#context = context;
    this.#tasks = tasks;
    this.#clock = clock;
  }

  async answer(method: string, path: string, body: string): Promise<Reply> {
    if (method === "GET" && path.startsWith("/v4/")) return this.#metadata(path.slice(4));
    try {
      if (method === "POST") return await this.#steer(path, JSON.parse(body) as never);
    } catch (error) {
      return json(400, { error: String(error) });
    }
    return this.#watch(path);
  }

  #watch(path: string): Reply {
    const { journal, faults } = this.#context;
    switch (path) {
      case "/_fake/runs":
        return json(200, journal.runs);
      case "/_fake/live":
        return json(200, journal.live());
      case "/_fake/requests":
        return json(200, journal.requests);
      case "/_fake/faults":
        return json(200, faults.injected);
      case "/_fake/problems":
        return json(200, { violations: journal.violations, defects: journal.defects });
      default:
        return json(404, { endpoints: usage });
    }
  }

  async #steer(
    path: string,
    body: Partial<Account> & Script & { task: string; kind: string; ms: number },
  ): Promise<Reply> {
    switch (path) {
      case "/_fake/script":
        this.#context.faults.script(body);
        return json(200, {});
      case "/_fake/interrupt": {
        const { task, kind } = body;
        if (kind === "vanish") return json((await this.#tasks.vanish(task)) ? 200 : 404, {});
        if (!interruptionKinds.includes(kind)) return json(400, { kinds: interruptionKinds });
        return json(this.#tasks.interrupt(task, kind as Interruption) ? 200 : 404, {});
      }
      case "/_fake/advance":
        this.#clock.advance(body.ms);
        return json(200, { nowMs: this.#clock.nowMs() });
      case "/_fake/account":
        return this.#account(body);
      default:
        return json(404, { endpoints: usage });
    }
  }

  /** Changes what is given; `null` allows every role, and has every subnet. */
  #account(changes: Partial<Account>): Reply {
    const { account } = this.#context;
    if (changes.clusters !== undefined) account.clusters = changes.clusters;
    if (changes.subnets !== undefined) account.subnets = changes.subnets;
    if (changes.passableRoles !== undefined) account.passableRoles = changes.passableRoles;
    return json(200, account);
  }

  #metadata(rest: string): Reply {
    const [, id = "", name = "", of] = /^([0-9a-f]{32})-([\w-]+?)(\/task)?$/.exec(rest) ?? [];
    const record = this.#tasks.recordById(id);
    if (record === undefined) return json(404, { error: "no such container" });
    const { task, definition } = record;
    const containers = (task.containers ?? []).map((container) => ({
      DockerId: container.runtimeId,
      Name: container.name,
      Image: container.image,
      ImageID: container.imageDigest,
      DesiredStatus: task.desiredStatus,
      KnownStatus: container.lastStatus,
      ExitCode: container.exitCode,
      ContainerARN: container.containerArn,
    }));
    if (of === undefined) {
      const own = containers.find((container) => container.Name === name);
      return own === undefined ? json(404, { error: "no such container" }) : json(200, own);
    }
    return json(200, {
      Cluster: task.clusterArn,
      TaskARN: task.taskArn,
      Family: definition.family,
      Revision: String(definition.revision),
      DesiredStatus: task.desiredStatus,
      KnownStatus: task.lastStatus,
      AvailabilityZone: task.availabilityZone,
      LaunchType: task.launchType,
      PullStartedAt: task.pullStartedAt,
      PullStoppedAt: task.pullStoppedAt,
      Containers: containers,
    });
  }
}
