// Container statuses that a client wrote, in the order of the spec's containers.
import { timeFromApi } from "./pod-time-from-api.ts";
import type { ContainerRecord, ContainerState } from "./pod-record.ts";
import type { Container } from "./schema/container.ts";
import type { ContainerState as WireState, ContainerStatus } from "./schema/container-status.ts";

const compact = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;

/** As the API server defaults it: a container of which nothing is known waits. */
const unknownYet: ContainerState = { state: "waiting" };

function stateFrom(state: WireState | undefined, previous: ContainerState | undefined) {
  if (state?.terminated !== undefined) {
    const { exitCode, signal, reason, message, startedAt, finishedAt } = state.terminated;
    return compact<ContainerState>({
      state: "terminated",
      exitCode: exitCode ?? 0,
      signal,
      reason,
      message,
      startedAtMs: timeFromApi(startedAt, previous?.startedAtMs),
      finishedAtMs: timeFromApi(finishedAt, previous?.finishedAtMs),
    });
  }
  if (state?.running !== undefined) {
    const startedAtMs = timeFromApi(state.running.startedAt, previous?.startedAtMs);
    return compact<ContainerState>({ state: "running", startedAtMs });
  }
  if (state?.waiting === undefined) return unknownYet;
  const { reason, message } = state.waiting;
  return compact<ContainerState>({ state: "waiting", reason, message });
}

const isEmpty = (state: WireState | undefined): boolean =>
  state === undefined || Object.values(state).every((one) => one === undefined);

function recordFrom(
  status: ContainerStatus | undefined,
  previous: ContainerRecord | undefined,
): ContainerRecord {
  return compact<ContainerRecord>({
    ...stateFrom(status?.state, previous),
    restartCount: status?.restartCount ?? 0,
    ready: status?.ready ?? false,
    started: status?.started,
    lastState: isEmpty(status?.lastState)
      ? undefined
      : stateFrom(status?.lastState, previous?.lastState),
    containerID: status?.containerID,
    imageID: status?.imageID === "" ? undefined : status?.imageID,
  });
}

/** Empty when the client gave no status at all; else one entry a container of the spec. */
export function containersFromApi(
  statuses: readonly ContainerStatus[] | undefined,
  containers: readonly Container[] | undefined,
  previous: readonly ContainerRecord[] | undefined,
): readonly ContainerRecord[] {
  if (statuses === undefined || statuses.length === 0) return [];
  const byName = new Map(statuses.map((status) => [status.name, status]));
  return (containers ?? []).map(({ name }, i) => recordFrom(byName.get(name), previous?.[i]));
}
