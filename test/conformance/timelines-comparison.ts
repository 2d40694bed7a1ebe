// Compares two lives in normal form and tells each difference in one line.
import {
  type JobState,
  jobText,
  lifeOf,
  type Overlook,
  type PodLife,
  renamed,
} from "./timelines-normal-form.ts";
import type { Entry, Recording } from "./timelines-recording.ts";

/** Kubernetes gathers the changes of Pods for a second before it looks at their Job. */
const GATHERED_MS = 1000;

const indexSet = (list: string): Set<number> => {
  const indexes = new Set<number>();
  for (const part of list.split(",").filter((text) => text !== "")) {
    const [first = 0, last = first] = part.split("-").map(Number);
    for (let index = first; index <= last; index += 1) indexes.add(index);
  }
  return indexes;
};

const includes = (more: string | undefined, less: string | undefined): boolean => {
  const all = indexSet(more ?? "");
  return [...indexSet(less ?? "")].every((index) => all.has(index));
};

const isMonotonic = (numbers: readonly number[]): boolean => {
  const steps = numbers.slice(1).map((number, n) => number - (numbers[n] ?? 0));
  return steps.every((step) => step >= 0) || steps.every((step) => step <= 0);
};

/**
 * Whether a Job that goes from the first state to the last may pass by those between: nothing but
 * counters and index lists differs from the first, and each goes one way only. So several counts
 * may be written at once, or one after the other.
 */
const areSteps = (states: readonly JobState[]): boolean => {
  const [first, ...others] = states;
  if (first === undefined) return false;
  const names = new Set(states.flatMap(({ indexes }) => Object.keys(indexes)));
  return (
    others.slice(0, -1).every(({ mark }) => mark === first.mark) &&
    Object.keys(first.counters).every((name) =>
      isMonotonic(states.map(({ counters }) => counters[name] ?? 0)),
    ) &&
    [...names].every((name) =>
      others.every((state, n) => includes(state.indexes[name], states[n]?.indexes[name])),
    )
  );
};

interface Alignment {
  /** Positions of equal states: in the recording, in the replay. */
  readonly pairs: readonly (readonly [number, number])[];
  /** States of one side only that are no steps from one common state to the next. */
  readonly missing: readonly JobState[];
  readonly added: readonly JobState[];
}

const noAlignment: Alignment = { pairs: [], missing: [], added: [] };

/** The alignment of both sequences that leaves the fewest states over. */
const align = (recorded: readonly JobState[], replayed: readonly JobState[]): Alignment => {
  const strays = (
    states: readonly JobState[],
    [before, at]: readonly [number, number],
  ): readonly JobState[] => {
    const common = before >= 0 && at < states.length;
    return common && areSteps(states.slice(before, at + 1)) ? [] : states.slice(before + 1, at);
  };
  const join = (to: Alignment, pair: readonly [number, number]): Alignment => {
    const [i, j] = to.pairs.at(-1) ?? [-1, -1];
    return {
      pairs: [...to.pairs, pair],
      missing: [...to.missing, ...strays(recorded, [i, pair[0]])],
      added: [...to.added, ...strays(replayed, [j, pair[1]])],
    };
  };
  // Each common state is worth less than a stray costs.
  const cost = ({ missing, added, pairs }: Alignment): number =>
    missing.length + added.length - pairs.length / 1000;
  const found: Alignment[] = [noAlignment];
  const extended = (pair: readonly [number, number]): Alignment => {
    const candidates = found
      .filter(({ pairs }) => pairs.every(([i, j]) => i < pair[0] && j < pair[1]))
      .map((alignment) => join(alignment, pair));
    return candidates.reduce((best, next) => (cost(next) < cost(best) ? next : best));
  };
  for (const [i, state] of recorded.entries()) {
    const texts = replayed.map(jobText);
    const equal = texts.flatMap((text, j) => (text === jobText(state) ? [j] : []));
    found.push(...equal.map((j) => extended([i, j])));
  }
  const { pairs, ...rest } = extended([recorded.length, replayed.length]);
  return { pairs: pairs.slice(0, -1), ...rest };
};

const readyMost = (states: readonly JobState[]): number =>
  Math.max(0, ...states.map(({ readyMax }) => readyMax));

/** While a state lasts, as many Pods get ready as were recorded, and never more than are active. */
const readyDifferences = (
  recorded: readonly JobState[],
  replayed: readonly JobState[],
  { pairs }: Alignment,
): string[] => {
  const differences: string[] = [];
  for (const [n, [i, j]] of pairs.entries()) {
    const [nextI, nextJ] = pairs[n + 1] ?? [recorded.length, replayed.length];
    const [was, is] = [readyMost(recorded.slice(i, nextI)), readyMost(replayed.slice(j, nextJ))];
    const state = recorded[i];
    if (is < was && state !== undefined) {
      differences.push(`Job ready ${is} instead of ${was}: ${jobText(state)}`);
    }
  }
  for (const state of replayed) {
    if (state.readyMax > (state.counters["active"] ?? 0)) {
      differences.push(`Job ready ${state.readyMax}, more than active: ${jobText(state)}`);
    }
  }
  return differences;
};

const jobDifferences = (recorded: readonly JobState[], replayed: readonly JobState[]): string[] => {
  const alignment = align(recorded, replayed);
  return [
    ...alignment.missing.map((state) => `Job lacks ${jobText(state)}`),
    ...alignment.added.map((state) => `Job adds ${jobText(state)}`),
    ...readyDifferences(recorded, replayed, alignment),
  ];
};

/** Pairs (ended, created) of one life that must stand in this order in the other too. */
const replacements = (pods: readonly PodLife[]): (readonly [string, string])[] =>
  pods.flatMap((ended) =>
    pods
      .filter(
        (created) =>
          ended.endedAtMs !== undefined && created.createdAtMs - ended.endedAtMs >= GATHERED_MS,
      )
      .map((created) => [ended.name, created.name] as const),
  );

/** Names of the replay by names of the recording, such that each Pod lives as recorded; if there are. */
const matchPods = (
  recorded: readonly PodLife[],
  replayed: readonly PodLife[],
): ReadonlyMap<string, PodLife> | undefined => {
  const orders = replacements(recorded);
  const inOrder = (matched: ReadonlyMap<string, PodLife>): boolean =>
    orders.every(([ended, created]) => {
      const [a, b] = [matched.get(ended), matched.get(created)];
      if (a === undefined || b === undefined) return true;
      return (a.endedAtMs ?? Number.POSITIVE_INFINITY) <= b.createdAtMs;
    });
  const go = (matched: ReadonlyMap<string, PodLife>): ReadonlyMap<string, PodLife> | undefined => {
    const next = recorded[matched.size];
    if (next === undefined) return matched;
    const taken = new Set(matched.values());
    for (const candidate of replayed) {
      if (taken.has(candidate) || candidate.text !== next.text) continue;
      const more = new Map(matched).set(next.name, candidate);
      const found = inOrder(more) ? go(more) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return go(new Map());
};

const count = (texts: readonly string[], wanted: string): number =>
  texts.filter((text) => text === wanted).length;

const surplus = (texts: readonly string[], others: readonly string[]): string[] =>
  [...new Set(texts)].flatMap((text) =>
    Array.from({ length: Math.max(0, count(texts, text) - count(others, text)) }, () => text),
  );

const oneLine = (text: string): string => text.replaceAll("\n", " > ");

const podDifferences = (recorded: readonly PodLife[], replayed: readonly PodLife[]): string[] => {
  const [was, is] = [recorded.map(({ text }) => text), replayed.map(({ text }) => text)];
  const differences = [
    ...surplus(was, is).map((text) => `Pod lacks ${oneLine(text)}`),
    ...surplus(is, was).map((text) => `Pod adds ${oneLine(text)}`),
  ];
  return differences.length > 0 ? differences : ["Pods are not created in the recorded order"];
};

const eventDifferences = (recorded: readonly string[], replayed: readonly string[]): string[] => {
  if (recorded.join("\n") === replayed.join("\n")) return [];
  const differences = [
    ...surplus(recorded, replayed).map((text) => `Event lacks ${text}`),
    ...surplus(replayed, recorded).map((text) => `Event adds ${text}`),
  ];
  return differences.length > 0
    ? differences
    : [`Events are in another order: ${replayed.join(" > ")}`];
};

export interface Comparison {
  /** The replayed life with the recorded names of its Pods. */
  readonly entries: readonly Entry[];
  readonly differences: readonly string[];
}

/** Pods get their recorded names if one can be found for each. */
export const compareLives = (
  recording: Recording,
  entries: readonly Entry[],
  overlook: Overlook = (state) => state,
): Comparison => {
  const recorded = lifeOf(recording, overlook);
  const asSeen = lifeOf({ entries }, overlook);
  const matched =
    recorded.pods.length === asSeen.pods.length ? matchPods(recorded.pods, asSeen.pods) : undefined;
  const names = new Map([...(matched ?? [])].map(([name, pod]) => [pod.name, name]));
  const told = renamed(entries, names);
  const replayed = lifeOf({ entries: told }, overlook);
  return {
    entries: told,
    differences: [
      ...jobDifferences(recorded.jobs, replayed.jobs),
      ...(matched === undefined ? podDifferences(recorded.pods, asSeen.pods) : []),
      ...eventDifferences(recorded.events, replayed.events),
    ],
  };
};
