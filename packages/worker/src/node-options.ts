// A Node's labels and taints come from the worker's options and from users; neither undoes the other.
import type { Taint } from "@gantry/core";
import type { StoredObject } from "@gantry/store";

/** What the worker's options said at its last start, so that only changes to them are applied. */
export const REGISTERED_ANNOTATION = "gantry.dev/registered";

type Labels = Readonly<Record<string, string>>;

export interface NodeOptions {
  readonly labels: Labels;
  readonly taints: readonly Taint[];
}

interface Merged {
  readonly labels: Labels;
  readonly spec: Readonly<Record<string, unknown>>;
  /** To be kept in the annotation. */
  readonly registered: string;
}

const none: NodeOptions = { labels: {}, taints: [] };

const registeredBefore = (before: StoredObject | undefined): NodeOptions => {
  try {
    const text = before?.metadata.annotations?.[REGISTERED_ANNOTATION];
    return text === undefined ? none : { ...none, ...(JSON.parse(text) as Partial<NodeOptions>) };
  } catch {
    // Edited by hand: as if nothing had been given before.
    return none;
  }
};

const sameTaint = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;

const mergeLabels = (options: Labels, last: Labels, now: Labels): Labels => {
  const labels = { ...now };
  for (const [key, value] of Object.entries(last)) {
    if (!Object.hasOwn(options, key) && labels[key] === value) delete labels[key];
  }
  for (const [key, value] of Object.entries(options)) if (last[key] !== value) labels[key] = value;
  return labels;
};

const mergeTaints = (
  options: readonly Taint[],
  last: readonly Taint[],
  now: readonly Taint[],
): Taint[] => {
  const isNew = (taint: Taint): boolean =>
    !last.some((each) => sameTaint(each, taint) && each.value === taint.value);
  const dropped = (taint: Taint): boolean =>
    last.some((each) => sameTaint(each, taint)) && !options.some((each) => sameTaint(each, taint));
  const added = options.filter(isNew);
  const kept = now.filter(
    (taint) => !dropped(taint) && !added.some((each) => sameTaint(each, taint)),
  );
  return [...kept, ...added];
};

/** A three-way merge of what the options say now, what they said before, and what users made of it. */
export const mergeOptions = (
  { labels, taints }: NodeOptions,
  before: StoredObject | undefined,
): Merged => {
  const last = registeredBefore(before);
  const spec = (before?.["spec"] ?? {}) as { readonly taints?: readonly Taint[] };
  const { taints: taintsNow = [], ...rest } = spec;
  const merged = mergeTaints(taints, last.taints, taintsNow);
  return {
    labels: mergeLabels(labels, last.labels, before?.metadata.labels ?? {}),
    spec: { ...rest, ...(merged.length > 0 && { taints: merged }) },
    registered: JSON.stringify({ labels, taints }),
  };
};
