// Tasks whose Pods are gone: sees to it that they stop, and that nothing is kept of them after.
import { type EcsTask, isTerminal } from "@gantry/core";
import {
  holdRole,
  leaveRole,
  readTaskRecords,
  repeat,
  type Repeating,
  suffix,
  taskOwners,
  type TaskRecord,
} from "@gantry/store";
import type { PodSink, RunnablePod } from "../runtime.ts";
import type { EcsContext } from "./ecs-context.ts";
import { EcsPod } from "./ecs-pod.ts";

const LOOK_EVERY_MS = 15_000;

/** One worker looks; another takes its turn when it goes. */
const ROLE = "ecs-retirement";
const ROLE_MS = 4 * LOOK_EVERY_MS;

const BATCH = 200;

const silent: PodSink = { observed: () => {}, event: () => {} };

/** Nothing is known of a Pod that is gone, and nothing has to be: its task only has to stop. */
const gonePod = (record: TaskRecord, node: string): RunnablePod => {
  const slash = record.pod.indexOf("/");
  return {
    namespace: record.pod.slice(0, slash),
    name: record.pod.slice(slash + 1),
    uid: record.podUid,
    labels: {},
    annotations: {},
    node,
    serviceAccountName: "default",
    spec: { restartPolicy: "Never" },
    sources: new Map(),
  };
};

export class Retirement {
  readonly #context: EcsContext;
  readonly #runsHere: (uid: string) => boolean;
  readonly #retiring = new Map<string, EcsPod>();
  #idleBefore: ReadonlySet<string> = new Set();
  #goneBefore: ReadonlySet<string> = new Set();
  #loop: Repeating | undefined;

  constructor(context: EcsContext, runsHere: (uid: string) => boolean) {
    this.#context = context;
    this.#runsHere = runsHere;
  }

  open(): void {
    this.#loop = repeat(LOOK_EVERY_MS, this.#context.log, "look for tasks without Pods", () =>
      this.look(),
    );
  }

  /** The Pod's object is gone, or has ended: its task is stopped, and its record closed after. */
  retire(record: TaskRecord): void {
    const uid = record.podUid;
    if (this.#retiring.has(uid) || this.#runsHere(uid)) return;
    const { holder, log } = this.#context;
    const pod = new EcsPod(this.#context, gonePod(record, holder), silent, record);
    this.#retiring.set(uid, pod);
    pod.stop(0);
    pod.ended
      .then(() => pod.reported())
      .catch((error: unknown) => {
        log.warn(
          { err: error, pod: record.pod },
          "a task without Pod was not stopped; tried again",
        );
      })
      .finally(() => this.#retiring.delete(uid));
  }

  heard(task: EcsTask): void {
    this.#retiring.get(task.owner?.podUid ?? "")?.heard(task);
  }

  /** Seen without their Pod twice, so that whoever removes both at this moment may do so. */
  async look(): Promise<void> {
    const { store, holder } = this.#context;
    if (!(await holdRole(store, ROLE, holder, ROLE_MS))) return;
    const owners = [...(await taskOwners(store))];
    const gone = new Set<string>();
    for (let n = 0; n < owners.length; n += BATCH) {
      const batch = owners.slice(n, n + BATCH);
      const pods = await store.getMany(
        "pods",
        batch.map(([, key]) => key),
      );
      for (const [i, [uid]] of batch.entries()) {
        const pod = pods[i]?.value;
        if (pod === undefined || pod.uid !== uid || isTerminal(pod)) gone.add(uid);
      }
    }
    const due = [...gone].filter((uid) => this.#goneBefore.has(uid));
    this.#goneBefore = gone;
    for (const record of await readTaskRecords(store, due)) this.retire(record);
    await this.#freeRooms(new Set(owners.map(([uid]) => uid)));
  }

  /** Room that was taken for launches whose worker died before it wrote them down. */
  async #freeRooms(owners: ReadonlySet<string>): Promise<void> {
    const { store, settings } = this.#context;
    const taken = new Set<string>();
    for (const { name } of settings.lanes) {
      const key = store.key(suffix.ecsVcpu(name));
      const idle = (await store.redis.hkeys(key)).filter((uid) => !owners.has(uid));
      const free = idle.filter((uid) => this.#idleBefore.has(uid));
      for (const uid of idle) taken.add(uid);
      if (free.length > 0) await store.redis.hdel(key, ...free);
    }
    this.#idleBefore = taken;
  }

  async close(): Promise<void> {
    await this.#loop?.close();
    for (const pod of this.#retiring.values()) pod.release();
    await leaveRole(this.#context.store, ROLE, this.#context.holder).catch(() => {});
  }
}
