// Registers task definitions, each content once: its family is named after a hash of it.
import { createHash } from "node:crypto";
import {
  DescribeTaskDefinitionCommand,
  type ECSClient,
  RegisterTaskDefinitionCommand,
} from "@aws-sdk/client-ecs";
import {
  definitionText,
  type EcsSettings,
  familyName,
  type TaskDefinitionContent,
} from "@gantry/core";
import { ecsRegistration, holdRole, leaveRole, type Store, suffix } from "@gantry/store";
import type { EcsCounters } from "./counters.ts";
import { AbortedError, backoffMs, type EcsApi, RefusedCall } from "./ecs-api.ts";
import type { LaneStates, ShutLane } from "./lane-states.ts";

const REGISTER = "RegisterTaskDefinition";

/** Definitions remembered by this worker. */
const KNOWN_MAX = 10_000;

/** The last use is written no more often; collection counts in days. */
const USE_EVERY_MS = 3_600_000;

/** A worker that registers has so long before another tries. */
const FLIGHT_MS = 60_000;
const FLIGHT_POLL_MS = 200;

/** While registrations are refused, what waits for one looks again at the latest after this long. */
const LOOK_AGAIN_MS = { least: 1_000, most: 15_000 } as const;

/** As stored. */
export interface KnownDefinition {
  readonly arn: string;
  /** Unix ms. */
  readonly usedAtMs: number;
}

export interface TaskDefinitionsOptions {
  readonly settings: EcsSettings;
  readonly store: Store;
  readonly client: ECSClient;
  readonly api: EcsApi;
  readonly counters: EcsCounters;
  readonly lanes: LaneStates;
  readonly holder: string;
  readonly now: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export class TaskDefinitions {
  readonly #options: TaskDefinitionsOptions;
  readonly #known = new Map<string, KnownDefinition>();
  readonly #flights = new Map<string, Promise<string>>();

  constructor(options: TaskDefinitionsOptions) {
    this.#options = options;
  }

  /** The family's name, by which a definition is known here. */
  familyOf(content: TaskDefinitionContent): string {
    return familyName(createHash("sha256").update(definitionText(content)).digest("hex"));
  }

  /** ARN with revision. Throws RefusedCall when ECS does not take the definition. */
  async ensure(content: TaskDefinitionContent, signal: AbortSignal): Promise<string> {
    const family = this.familyOf(content);
    const known = this.#known.get(family) ?? (await this.#stored(family));
    if (known !== undefined) {
      await this.#used(family, known);
      return known.arn;
    }
    let flight = this.#flights.get(family);
    if (flight === undefined) {
      // Others wait for it too: it does not end with the one that asked first.
      flight = this.#register(family, content).finally(() => this.#flights.delete(family));
      this.#flights.set(family, flight);
      flight.catch(() => {});
    }
    const arn = await Promise.race([flight, aborted(signal)]);
    if (arn === undefined) throw new AbortedError("RegisterTaskDefinition");
    return arn;
  }

  /** ECS does not take this definition any more. */
  async forget(family: string): Promise<void> {
    this.#known.delete(family);
    await this.#options.store.redis.hdel(this.#key, family);
  }

  get #key(): string {
    return this.#options.store.key(suffix.ecsDefinitions);
  }

  async #stored(family: string): Promise<KnownDefinition | undefined> {
    const text = await this.#options.store.redis.hget(this.#key, family);
    if (text === null) return undefined;
    const known = JSON.parse(text) as KnownDefinition;
    this.#remember(family, known);
    return known;
  }

  #remember(family: string, known: KnownDefinition): void {
    if (this.#known.size >= KNOWN_MAX) {
      const oldest = this.#known.keys().next().value;
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(family, known);
  }

  async #used(family: string, { arn, usedAtMs }: KnownDefinition): Promise<void> {
    const nowMs = this.#options.now();
    if (nowMs - usedAtMs < USE_EVERY_MS) return;
    await this.#write(family, { arn, usedAtMs: nowMs });
  }

  async #write(family: string, known: KnownDefinition): Promise<void> {
    this.#remember(family, known);
    await this.#options.store.redis.hset(this.#key, family, JSON.stringify(known));
  }

  /** One worker registers; the others wait for what it writes. */
  async #register(family: string, content: TaskDefinitionContent): Promise<string> {
    const { store, holder, now, sleep } = this.#options;
    const role = `definition:${family}`;
    while (!(await holdRole(store, role, holder, FLIGHT_MS))) {
      await sleep(FLIGHT_POLL_MS);
      const known = await this.#stored(family);
      if (known !== undefined) return known.arn;
    }
    try {
      const known = await this.#stored(family);
      if (known !== undefined) return known.arn;
      const arn = await this.#atEcs(family, content, role);
      await this.#write(family, { arn, usedAtMs: now() });
      return arn;
    } finally {
      await leaveRole(store, role, holder);
    }
  }

  /** What only an operator can mend is asked for once in a while, by one, as on a lane. */
  async #atEcs(family: string, content: TaskDefinitionContent, role: string): Promise<string> {
    const { lanes, now } = this.#options;
    const state = await lanes.of(ecsRegistration);
    const begunAtMs = now();
    if (state.kind === "shut") throw refusedBefore(state.shut, begunAtMs);
    try {
      const arn = await this.#registered(family, content, role);
      await lanes.succeeded(ecsRegistration, begunAtMs);
      return arn;
    } catch (error) {
      const judged = error instanceof RefusedCall ? error.classification : undefined;
      if (judged?.cool?.scope === "circuit") {
        await lanes.refused(ecsRegistration, judged, judged.cool, begunAtMs);
      } else if (state.kind === "probe") await lanes.probed(ecsRegistration);
      throw error;
    }
  }

  async #registered(family: string, content: TaskDefinitionContent, role: string): Promise<string> {
    const { api, client, settings, counters, store, holder, sleep } = this.#options;
    const tags = Object.entries({ ...settings.tags, "gantry.dev/engine": settings.engineId });
    for (let n = 1; ; n++) {
      await holdRole(store, role, holder, FLIGHT_MS);
      const found = await this.#describe(family);
      if (found !== undefined) return found;
      try {
        const { taskDefinition } = await api.once(REGISTER, "definitionModify", () =>
          client.send(
            new RegisterTaskDefinitionCommand({
              ...content,
              family,
              tags: tags.map(([key, value]) => ({ key, value })),
            }),
          ),
        );
        counters.count("definitions_registered");
        if (taskDefinition?.taskDefinitionArn !== undefined)
          return taskDefinition.taskDefinitionArn;
      } catch (error) {
        // Throttled, or the reply was lost: it may be there by now.
        if (!isPassing(error)) throw error;
      }
      await sleep(backoffMs(n));
    }
  }

  async #describe(family: string): Promise<string | undefined> {
    const { api, client } = this.#options;
    try {
      const { taskDefinition } = await api.patiently(
        "DescribeTaskDefinition",
        "definitionRead",
        () => client.send(new DescribeTaskDefinitionCommand({ taskDefinition: family })),
      );
      const isActive = taskDefinition?.status === "ACTIVE";
      return isActive ? taskDefinition.taskDefinitionArn : undefined;
    } catch (error) {
      // ECS has no better way to say that there is none.
      const name = error instanceof RefusedCall ? (error.cause as Error | undefined)?.name : "";
      if (name === "ClientException" || name === "InvalidParameterException") return undefined;
      throw error;
    }
  }
}

/** As ECS said when it was asked last. */
const refusedBefore = (shut: ShutLane, nowMs: number): RefusedCall => {
  const { class: cause, reason: podReason, message, untilMs } = shut;
  const { least, most } = LOOK_AGAIN_MS;
  const initialMs = Math.min(most, Math.max(least, untilMs - nowMs));
  const cool = { scope: "circuit", initialMs, maxMs: most } as const;
  const judged = { class: cause, retry: "same-token", podReason, message, cool } as const;
  return new RefusedCall(REGISTER, judged, undefined);
};

const isPassing = (error: unknown): boolean =>
  error instanceof RefusedCall &&
  (error.classification.class === "throttled" || error.classification.class === "transient");

const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
