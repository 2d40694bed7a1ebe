// RunTask: its checks, its tokens, its failures, and the tasks that it makes.
import type { Failure, RunTaskCommandInput, Task, TaskDefinition } from "@aws-sdk/client-ecs";
import type { MetFault, RequestFault } from "../faults.ts";
import type { TaskRun } from "../journal.ts";
import { AwsError, throttled } from "../wire/aws-error.ts";
import { CAPACITY_REASON, type Place, QUOTA_REASON } from "./capacity.ts";
import type { EcsContext } from "./ecs-context.ts";
import { newTask, newTaskTags } from "./new-task.ts";
import { launchFault, runTaskFault, taskRoleOf } from "./run-task-rules.ts";
import { overrideEnvironment } from "./task-containers.ts";
import { shownTask, type TaskRecord } from "./task-record.ts";
import type { Tasks } from "./tasks.ts";

type Input = RunTaskCommandInput;

/** A token's answer for a task that has stopped has no more than this. */
const stoppedSummary = ({ task }: TaskRecord): Task => ({
  taskArn: task.taskArn,
  lastStatus: task.lastStatus,
  desiredStatus: task.desiredStatus,
});

export class RunTask {
  readonly #context: EcsContext;
  readonly #tasks: Tasks;

  constructor(context: EcsContext, tasks: Tasks) {
    this.#context = context;
    this.#tasks = tasks;
  }

  run(input: Input, met: MetFault<RequestFault> | undefined) {
    const fault = runTaskFault(input);
    if (fault !== undefined) throw fault;
    const cluster = this.#context.cluster(input.cluster);
    const { clientToken, ...parameters } = input;
    if (clientToken !== undefined) {
      const known = this.#context.tokens.recall(cluster, clientToken, parameters);
      if (known !== undefined) {
        const tasks = known.tasks.map((record) =>
          record.task.lastStatus === "STOPPED" ? stoppedSummary(record) : shownTask(record, false),
        );
        return { tasks, failures: [...known.failures] };
      }
    }
    const definition = this.#context.definitions.toRun(input.taskDefinition ?? "");
    const place = this.#context.capacity.placeOf(cluster, input, definition);
    this.#checkLaunch(input, definition, place);
    this.#takeRates(input, place);
    const { records, failures } = this.#make(input, definition, place, cluster, met);
    if (
      clientToken !== undefined &&
      (records.length > 0 || this.#context.settings.replayFailures)
    ) {
      this.#context.tokens.remember(cluster, clientToken, parameters, records, failures);
    }
    return { tasks: records.map((record) => shownTask(record, true)), failures };
  }

  #checkLaunch(input: Input, definition: TaskDefinition, place: Place): void {
    const { account, settings } = this.#context;
    const fault = launchFault(input, definition, place.lane !== "ec2", settings.allow32Vcpu);
    if (fault !== undefined) throw fault;
    account.checkSubnets(input.networkConfiguration?.awsvpcConfiguration?.subnets ?? []);
    account.checkRoles([
      taskRoleOf(input, definition),
      input.overrides?.executionRoleArn ?? definition.executionRoleArn,
    ]);
  }

  #takeRates(input: Input, place: Place): void {
    if (place.lane === "ec2") return;
    const { rates } = this.#context;
    if (!rates.take("fargateRunTask")) throw throttled();
    const launches = place.lane === "spot" ? "fargateSpotLaunch" : "fargateLaunch";
    if (!rates.take(launches, input.count ?? 1)) throw throttled();
  }

  #make(
    input: Input,
    definition: TaskDefinition,
    place: Place,
    cluster: string,
    met: MetFault<RequestFault> | undefined,
  ): { records: TaskRecord[]; failures: Failure[] } {
    const injected = injectedFailure(met?.fault);
    const count = input.count ?? 1;
    if (injected !== undefined) {
      if (met?.fault === "ghost") {
        this.#context.clock.after(met.ms, () => this.#haunt(input, definition, place, cluster));
      }
      return { records: [], failures: Array.from({ length: count }, () => ({ ...injected })) };
    }
    const records: TaskRecord[] = [];
    const failures: Failure[] = [];
    for (let i = 0; i < count; i += 1) {
      const made = this.#one(input, definition, place, cluster, false);
      if ("record" in made) records.push(made.record);
      else failures.push(made.failure);
    }
    return { records, failures };
  }

  /** The task that was said not to be; without room for it there is none. */
  #haunt(input: Input, definition: TaskDefinition, place: Place, cluster: string): void {
    try {
      this.#one(input, definition, place, cluster, true);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
    }
  }

  #one(
    input: Input,
    definition: TaskDefinition,
    place: Place,
    cluster: string,
    ghost: boolean,
  ): { record: TaskRecord } | { failure: Failure } {
    const { capacity, arns, clock, settings, faults, journal } = this.#context;
    const admission = capacity.admit(cluster, place);
    if (admission.outcome === "failed") return { failure: admission.failure };
    const instance = admission.outcome === "admitted" ? admission.instance : undefined;
    const arn = arns.newTask(cluster);
    const nowMs = clock.nowMs();
    const { region } = settings;
    const made = { arn, cluster, input, definition, place, instance, region, nowMs };
    const task = newTask(made, arns);
    const name = input.clientToken ?? JSON.stringify(input.overrides ?? {});
    const met = faults.ofTask(name, task);
    const fault = met?.fault === "spot" && place.lane !== "spot" ? undefined : met;
    const run: TaskRun = {
      taskArn: arn,
      cluster,
      startedBy: input.startedBy ?? null,
      clientToken: input.clientToken ?? null,
      taskDefinitionArn: definition.taskDefinitionArn ?? "",
      environment: overrideEnvironment({ task }),
      ghost,
      createdAtMs: nowMs,
      startedAtMs: null,
      endedAtMs: null,
      stopCode: null,
      stoppedReason: null,
      containers: [],
    };
    journal.runs.push(run);
    const definitionTags = this.#context.definitions.tagsOf(run.taskDefinitionArn) ?? [];
    const record: TaskRecord = {
      arn,
      id: arn.split("/").at(-1) ?? "",
      cluster,
      task,
      definition,
      place,
      run,
      fault,
      visibleFromMs: fault?.fault === "missing" ? nowMs + fault.ms : nowMs,
      tags: newTaskTags(input, definitionTags, cluster),
      stoppedAtMs: null,
      gone: false,
    };
    this.#tasks.begin(record, instance, admission.outcome === "waits");
    return { record };
  }
}

const injectedFailure = (fault: RequestFault | undefined): Failure | undefined => {
  switch (fault) {
    case "capacity":
    case "ghost":
      return { reason: CAPACITY_REASON };
    case "quota":
      return { reason: QUOTA_REASON };
    case "agent":
      return { reason: "AGENT" };
    case "resource":
      return { reason: "RESOURCE:MEMORY" };
    default:
      return undefined;
  }
};
