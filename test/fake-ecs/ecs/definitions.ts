// Task definitions: families, revisions, and the operations on them.
import type {
  DeleteTaskDefinitionsCommandInput,
  DeleteTaskDefinitionsCommandOutput,
  DescribeTaskDefinitionCommandInput,
  ListTaskDefinitionFamiliesCommandInput,
  ListTaskDefinitionsCommandInput,
  RegisterTaskDefinitionCommandInput,
  Tag,
  TaskDefinition,
} from "@aws-sdk/client-ecs";
import type { Clock } from "../clock.ts";
import { clientError, invalidParameter } from "../wire/aws-error.ts";
import type { Account } from "./account.ts";
import type { Arns } from "./arns.ts";
import { definitionFault } from "./definition-rules.ts";
import { pageOf } from "./paging.ts";

interface Stored {
  readonly definition: TaskDefinition;
  readonly tags: Tag[];
}

type Reply<T> = Omit<T, "$metadata">;

const MAX_DELETED_AT_ONCE = 10;
const NAME = /^(?:arn:[^:]+:ecs:[^:]+:\d+:task-definition\/)?([A-Za-z0-9_-]+)(?::(\d+))?$/;

/** How long two registrations in one family are in each other's way. */
const REGISTRATION_MS = 5;

export class Definitions {
  readonly #arns: Arns;
  readonly #account: Account;
  readonly #clock: Clock;
  readonly #with32Vcpu: boolean;
  readonly #families = new Map<string, Map<number, Stored>>();
  readonly #lastRevision = new Map<string, number>();
  readonly #busyUntilMs = new Map<string, number>();

  constructor(arns: Arns, account: Account, clock: Clock, with32Vcpu: boolean) {
    this.#arns = arns;
    this.#account = account;
    this.#clock = clock;
    this.#with32Vcpu = with32Vcpu;
  }

  #find(name: string): Stored | undefined {
    const [, family = "", revision] = NAME.exec(name) ?? [];
    if (name.startsWith("arn:") && !this.#arns.isOurs(name)) return undefined;
    const revisions = this.#families.get(family);
    if (revision !== undefined) return revisions?.get(Number(revision));
    return [...(revisions?.values() ?? [])]
      .filter(({ definition }) => definition.status === "ACTIVE")
      .at(-1);
  }

  /** For RunTask: an INACTIVE one is refused. */
  toRun(name: string): TaskDefinition {
    const found = this.#find(name);
    if (found === undefined) throw clientError("TaskDefinition not found.");
    if (found.definition.status !== "ACTIVE") throw clientError("TaskDefinition is inactive");
    return found.definition;
  }

  tagsOf(arn: string): Tag[] | undefined {
    return this.#find(arn)?.tags;
  }

  register(input: RegisterTaskDefinitionCommandInput) {
    const fault = definitionFault(input, this.#with32Vcpu);
    if (fault !== undefined) throw fault;
    this.#account.checkRoles([input.taskRoleArn, input.executionRoleArn]);
    const { tags = [], family = "", enableFaultInjection = false, ...rest } = input;
    const nowMs = this.#clock.nowMs();
    if (nowMs < (this.#busyUntilMs.get(family) ?? 0)) {
      const text = "Too many concurrent attempts to create a new revision of the specified family.";
      throw clientError(text);
    }
    this.#busyUntilMs.set(family, nowMs + REGISTRATION_MS);
    const revision = (this.#lastRevision.get(family) ?? 0) + 1;
    const onFargate = input.requiresCompatibilities?.includes("FARGATE") === true;
    const definition: TaskDefinition = {
      ...rest,
      family,
      revision,
      enableFaultInjection,
      taskDefinitionArn: this.#arns.definition(family, revision),
      status: "ACTIVE",
      volumes: input.volumes ?? [],
      placementConstraints: input.placementConstraints ?? [],
      compatibilities: onFargate ? ["EC2", "FARGATE"] : ["EC2"],
      containerDefinitions: (input.containerDefinitions ?? []).map((container) => ({
        ...container,
        cpu: container.cpu ?? 0,
        essential: container.essential ?? true,
        environment: container.environment ?? [],
        mountPoints: container.mountPoints ?? [],
        volumesFrom: container.volumesFrom ?? [],
        portMappings: container.portMappings ?? [],
      })),
      registeredAt: new Date(nowMs),
      registeredBy: `arn:aws:iam::${this.#arns.cluster("").split(":")[4]}:user/fake`,
    };
    this.#lastRevision.set(family, revision);
    const revisions = this.#families.get(family) ?? new Map<number, Stored>();
    this.#families.set(family, revisions.set(revision, { definition, tags: [...tags] }));
    return { taskDefinition: definition, tags };
  }

  describe({ taskDefinition = "", include }: DescribeTaskDefinitionCommandInput) {
    const found = this.#find(taskDefinition);
    if (found === undefined) throw clientError("Unable to describe task definition.");
    const tags = include?.includes("TAGS") === true ? found.tags : undefined;
    return { taskDefinition: found.definition, tags };
  }

  deregister({ taskDefinition: name = "" }: { taskDefinition?: string | undefined }) {
    const [, , revision] = NAME.exec(name) ?? [];
    if (revision === undefined) throw clientError("Task definition revision is required.");
    const found = this.#find(name);
    if (found === undefined) throw clientError("The specified task definition does not exist.");
    if (found.definition.status === "DELETE_IN_PROGRESS") {
      throw clientError("The specified task definition is being deleted.");
    }
    found.definition.status = "INACTIVE";
    found.definition.deregisteredAt = new Date(this.#clock.nowMs());
    return { taskDefinition: found.definition };
  }

  delete({ taskDefinitions = [] }: DeleteTaskDefinitionsCommandInput) {
    if (taskDefinitions.length === 0 || taskDefinitions.length > MAX_DELETED_AT_ONCE) {
      throw invalidParameter(`taskDefinitions must have 1 to ${MAX_DELETED_AT_ONCE} entries.`);
    }
    const reply: Required<Reply<DeleteTaskDefinitionsCommandOutput>> = {
      taskDefinitions: [],
      failures: [],
    };
    for (const name of taskDefinitions) {
      const [, family = "", revision] = NAME.exec(name) ?? [];
      const found = revision === undefined ? undefined : this.#find(name);
      if (found === undefined) {
        const reason = revision === undefined ? "REVISION_REQUIRED" : "TASK_DEFINITION_NOT_FOUND";
        reply.failures?.push({ arn: name, reason });
      } else if (found.definition.status === "ACTIVE") {
        const detail = "The specified task definition is still in ACTIVE status.";
        reply.failures?.push({ arn: name, reason: "ACTIVE", detail });
      } else {
        found.definition.status = "DELETE_IN_PROGRESS";
        found.definition.deleteRequestedAt = new Date(this.#clock.nowMs());
        reply.taskDefinitions?.push(found.definition);
        this.#families.get(family)?.delete(Number(revision));
      }
    }
    return reply;
  }

  list(input: ListTaskDefinitionsCommandInput) {
    const status = input.status ?? "ACTIVE";
    const arns = [...this.#families]
      .filter(([family]) => family.startsWith(input.familyPrefix ?? ""))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, revisions]) => [...revisions.values()])
      .filter(({ definition }) => definition.status === status)
      .map(({ definition }) => definition.taskDefinitionArn ?? "");
    const ordered = input.sort === "DESC" ? arns.toReversed() : arns;
    const { items, nextToken } = pageOf("definitions", ordered, input.nextToken, input.maxResults);
    return { taskDefinitionArns: [...items], nextToken };
  }

  listFamilies(input: ListTaskDefinitionFamiliesCommandInput) {
    const status = input.status ?? "ALL";
    const families = [...this.#families]
      .filter(([family, revisions]) => {
        const active = [...revisions.values()].some((one) => one.definition.status === "ACTIVE");
        const wanted = status === "ALL" || (status === "ACTIVE") === active;
        return revisions.size > 0 && wanted && family.startsWith(input.familyPrefix ?? "");
      })
      .map(([family]) => family)
      .toSorted();
    const { items, nextToken } = pageOf("families", families, input.nextToken, input.maxResults);
    return { families: [...items], nextToken };
  }
}
