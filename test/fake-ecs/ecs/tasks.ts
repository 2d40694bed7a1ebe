// All tasks: their beginning, reads, stops, tags, and the end of their records.
import type {
  DescribeClustersCommandInput,
  DescribeTasksCommandInput,
  Failure,
  ListTasksCommandInput,
  StopTaskCommandInput,
  Tag,
  TagResourceCommandInput,
  UntagResourceCommandInput,
} from "@aws-sdk/client-ecs";
import { AwsError, invalidParameter } from "../wire/aws-error.ts";
import { lastPart } from "./arns.ts";
import type { EcsContext } from "./ecs-context.ts";
import { pageOf } from "./paging.ts";
import { tagFault } from "./tags.ts";
import { type Interruption, type LifecycleContext, TaskLifecycle } from "./task-lifecycle.ts";
import { shownTask, type TaskRecord } from "./task-record.ts";

const MAX_DESCRIBED = 100;
const MAX_REASON = 1024;

export class Tasks {
  readonly #context: EcsContext;
  readonly #lifecycleContext: LifecycleContext;
  readonly #records = new Map<string, TaskRecord>();
  readonly #lives = new Map<
    string,
    { readonly cycle: TaskLifecycle; readonly end: Promise<void> }
  >();

  constructor(context: EcsContext, lifecycleContext: LifecycleContext) {
    this.#context = context;
    this.#lifecycleContext = lifecycleContext;
  }

  begin(record: TaskRecord, instance: string | undefined, waitsForRoom: boolean): void {
    const { journal, clock } = this.#context;
    this.#records.set(record.arn, record);
    const cycle = new TaskLifecycle(record, instance, waitsForRoom, this.#lifecycleContext);
    journal.note(clock.nowMs(), "task", { arn: record.arn, environment: record.run.environment });
    const end = cycle.live().catch((error: unknown) => {
      journal.defects.push(`task ${record.arn}: ${String((error as Error).stack ?? error)}`);
    });
    this.#lives.set(record.arn, { cycle, end });
    void end.then(() => {
      this.#lives.delete(record.arn);
      journal.note(clock.nowMs(), "ended", { ...record.run });
    });
  }

  /** The record of a stopped task is dropped after its time. */
  forgetLater({ arn }: TaskRecord): void {
    const { clock, settings } = this.#context;
    clock.after(settings.timings.recordMs, () => this.#records.delete(arn));
  }

  #seen(record: TaskRecord | undefined): record is TaskRecord {
    return (
      record !== undefined && !record.gone && record.visibleFromMs <= this.#context.clock.nowMs()
    );
  }

  #find(cluster: string, idOrArn: string): TaskRecord | undefined {
    const { arns } = this.#context;
    const arn = idOrArn.startsWith("arn:") ? idOrArn : arns.task(cluster, idOrArn);
    const record = this.#records.get(arn);
    return this.#seen(record) && record.cluster === cluster ? record : undefined;
  }

  describe(input: DescribeTasksCommandInput) {
    const cluster = this.#context.cluster(input.cluster);
    const { tasks: wanted = [], include } = input;
    if (wanted.length === 0) throw invalidParameter("Tasks cannot be empty.");
    if (wanted.length > MAX_DESCRIBED) {
      throw invalidParameter(`tasks can have at most ${MAX_DESCRIBED} items.`);
    }
    for (const name of wanted) this.#checkName(name);
    const failures: Failure[] = [];
    const tasks = [...new Set(wanted)].flatMap((name) => {
      const record = this.#find(cluster, name);
      if (record !== undefined) return [shownTask(record, include?.includes("TAGS") === true)];
      const arn = name.startsWith("arn:") ? name : this.#context.arns.task(cluster, lastPart(name));
      failures.push({ arn, reason: "MISSING" });
      return [];
    });
    return { tasks, failures };
  }

  #checkName(name: string): void {
    if (name.startsWith("arn:")) {
      if (this.#context.arns.isOurs(name)) return;
    } else if (/^[0-9a-f-]{32,36}$/.test(name)) return;
    throw invalidParameter(`Invalid identifier: Identifier is for ${name}.`);
  }

  list(input: ListTasksCommandInput) {
    const cluster = this.#context.cluster(input.cluster);
    const { startedBy, family, desiredStatus, launchType, containerInstance } = input;
    const others = [
      family,
      desiredStatus,
      launchType,
      containerInstance,
      input.serviceName,
      input.daemonName,
    ];
    if (startedBy !== undefined && others.some((filter) => filter !== undefined)) {
      throw invalidParameter("When startedBy is specified, it must be the only filter.");
    }
    if (input.serviceName !== undefined) {
      throw new AwsError("ServiceNotFoundException", "Service not found.");
    }
    const wanted = desiredStatus ?? "RUNNING";
    const arns = [...this.#records.values()]
      .filter(
        (record) =>
          this.#seen(record) &&
          record.cluster === cluster &&
          record.task.desiredStatus === wanted &&
          (startedBy === undefined || record.task.startedBy === startedBy) &&
          (family === undefined || record.definition.family === family) &&
          (launchType === undefined || record.task.launchType === launchType) &&
          (containerInstance === undefined ||
            lastPart(record.task.containerInstanceArn ?? "") === lastPart(containerInstance)) &&
          input.daemonName === undefined,
      )
      .map(({ arn }) => arn);
    const { items, nextToken } = pageOf("tasks", arns, input.nextToken, input.maxResults);
    return { taskArns: [...items], nextToken };
  }

  stop(input: StopTaskCommandInput) {
    const cluster = this.#context.cluster(input.cluster);
    const { task: name = "", reason = "Task stopped by user" } = input;
    this.#checkName(name);
    if (reason.length > MAX_REASON) throw invalidParameter("reason is too long.");
    const record = this.#find(cluster, name);
    if (record === undefined) throw invalidParameter("The referenced task was not found.");
    record.tags = [];
    this.#lives
      .get(record.arn)
      ?.cycle.stop({ stopCode: "UserInitiated", reason, manner: "graceful" });
    return { task: shownTask(record, false) };
  }

  describeClusters({ clusters = ["default"] }: DescribeClustersCommandInput) {
    const { arns, capacity } = this.#context;
    const failures: Failure[] = [];
    const described = clusters.flatMap((given) => {
      const name = lastPart(given);
      if (!this.#context.hasCluster(given)) {
        failures.push({
          arn: given.startsWith("arn:") ? given : arns.cluster(name),
          reason: "MISSING",
        });
        return [];
      }
      const own = [...this.#records.values()].filter(
        ({ cluster, gone }) => cluster === name && !gone,
      );
      const running = own.filter(({ task }) => task.lastStatus === "RUNNING").length;
      const pending = own.filter(({ task }) =>
        ["PROVISIONING", "PENDING", "ACTIVATING"].includes(task.lastStatus ?? ""),
      ).length;
      return [
        {
          clusterArn: arns.cluster(name),
          clusterName: name,
          status: "ACTIVE",
          registeredContainerInstancesCount: capacity.instanceCount(name),
          runningTasksCount: running,
          pendingTasksCount: pending,
          activeServicesCount: 0,
          capacityProviders: capacity.providers(name),
          defaultCapacityProviderStrategy: [],
          settings: [],
          statistics: [],
          tags: [],
        },
      ];
    });
    return { clusters: described, failures };
  }

  #tagsOf(arn: string): { tags: Tag[]; replace(tags: Tag[]): void } {
    const record = this.#records.get(arn);
    if (this.#seen(record)) {
      return { tags: record.tags, replace: (tags) => void (record.tags = tags) };
    }
    const tags = this.#context.definitions.tagsOf(arn);
    if (tags === undefined) throw invalidParameter("The specified resource was not found.");
    return { tags, replace: (next) => void tags.splice(0, tags.length, ...next) };
  }

  listTags({ resourceArn = "" }: { resourceArn?: string | undefined }) {
    return { tags: [...this.#tagsOf(resourceArn).tags] };
  }

  tag({ resourceArn = "", tags = [] }: TagResourceCommandInput) {
    const target = this.#tagsOf(resourceArn);
    const kept = target.tags.filter(({ key }) => !tags.some((tag) => tag.key === key));
    const fault = tagFault(tags) ?? tagFault([...kept, ...tags]);
    if (fault !== undefined) throw fault;
    target.replace([...kept, ...tags]);
    return {};
  }

  untag({ resourceArn = "", tagKeys = [] }: UntagResourceCommandInput) {
    const target = this.#tagsOf(resourceArn);
    target.replace(target.tags.filter(({ key = "" }) => !tagKeys.includes(key)));
    return {};
  }

  /** Does to a task what a fault of this name would; false when it does not run. */
  interrupt(arn: string, kind: Interruption): boolean {
    const life = this.#lives.get(arn);
    life?.cycle.interrupt(kind);
    return life !== undefined;
  }

  async vanish(arn: string): Promise<boolean> {
    const life = this.#lives.get(arn);
    await life?.cycle.vanish();
    return life !== undefined;
  }

  record(arn: string): TaskRecord | undefined {
    return this.#records.get(arn);
  }

  /** By its id alone, as containers know themselves. */
  recordById(id: string): TaskRecord | undefined {
    return [...this.#records.values()].find((record) => record.id === id);
  }

  /** Kills everything that runs. Resolves when nothing does. */
  async close(): Promise<void> {
    await Promise.all([...this.#lives.values()].map(({ cycle }) => cycle.kill()));
  }

  /** Resolves when no task is alive any more. */
  async settled(): Promise<void> {
    while (this.#lives.size > 0) {
      await Promise.all([...this.#lives.values()].map(({ end }) => end));
    }
  }
}
