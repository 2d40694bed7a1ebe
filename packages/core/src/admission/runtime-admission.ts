// Admission by runtime: workers publish what their runtimes take on their Nodes, so that a Pod is
// refused when it is submitted, and not when a worker has it.
import type { AdmittedPod } from "../ecs/admission/finding.ts";
import { admitOnEcs } from "../ecs/admission/admit-on-ecs.ts";
import { readPublishedSettings } from "../ecs/published-settings.ts";
import type { Node } from "../schema/node.ts";
import type { PodSpec } from "../schema/pod.ts";
import { dockerRejections, parseDockerRules } from "./docker-admission.ts";
import type { Located } from "./located.ts";
import { parseHostRules, processRejections } from "./process-admission.ts";
import { DEFAULT_RUNTIME_ANNOTATION, runtimeSettingsAnnotation } from "./node-annotations.ts";

export type { AdmittedPod } from "../ecs/admission/finding.ts";

export interface RuntimeVerdict {
  /** As messages name it, e.g. `ecs-fargate`. */
  readonly runtime: string;
  /** Empty: it is admitted. */
  readonly rejections: readonly Located[];
  readonly warnings: readonly Located[];
}

type RuntimeRules = (pod: AdmittedPod) => RuntimeVerdict;

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Rules of a runtime whose worker publishes what its host allows. */
const hostReader =
  <Rules>(
    runtime: string,
    parse: (published: unknown) => Rules | undefined,
    reject: (spec: PodSpec, rules: Rules) => Located[],
  ) =>
  (text: string): RuntimeRules | undefined => {
    const rules = parse(parseJson(text));
    if (rules === undefined) return undefined;
    return ({ spec }) => ({ runtime, rejections: reject(spec, rules), warnings: [] });
  };

/** How each runtime's published settings become rules; `undefined` when they can't be read. */
const readers: Readonly<Record<string, (text: string) => RuntimeRules | undefined>> = {
  process: hostReader("process", parseHostRules, processRejections),
  docker: hostReader("docker", parseDockerRules, dockerRejections),
  ecs: (text) => {
    const settings = readPublishedSettings(text);
    return settings === undefined ? undefined : (pod) => admitOnEcs(pod, settings);
  },
};

export interface KnownRuntimes {
  /** Where all Nodes that tell agree. */
  readonly defaultRuntime: string | undefined;
  /** By runtime: the rules of the Nodes that have it, each once. */
  readonly rules: ReadonlyMap<string, readonly RuntimeRules[]>;
}

const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;

/** Nodes whose worker is there; or all, when none is: their settings are the last that is known. */
const speaking = (nodes: readonly Node[]): readonly Node[] => {
  const ready = nodes.filter(isReady);
  return ready.length > 0 ? ready : nodes;
};

const annotationsOf = (nodes: readonly Node[], key: string): Set<string> =>
  new Set(
    nodes.flatMap(({ metadata }) => {
      const text = metadata?.annotations?.[key];
      return text === undefined ? [] : [text];
    }),
  );

/** `nodes`: all of them, as they are stored. */
export function runtimesOfNodes(nodes: readonly Node[]): KnownRuntimes {
  const [first, ...others] = annotationsOf(speaking(nodes), DEFAULT_RUNTIME_ANNOTATION);
  const rules = new Map<string, readonly RuntimeRules[]>();
  for (const [runtime, read] of Object.entries(readers)) {
    const key = runtimeSettingsAnnotation(runtime);
    const having = nodes.filter(({ metadata }) => metadata?.annotations?.[key] !== undefined);
    const texts = [...annotationsOf(speaking(having), key)];
    const all = texts.map(read);
    // A worker that nobody here understands may take anything: it is not for us to refuse.
    if (all.length > 0 && all.every((one) => one !== undefined)) rules.set(runtime, all);
  }
  return { defaultRuntime: others.length === 0 ? first : undefined, rules };
}

/**
 * The verdict of the worker that likes the Pod best; `undefined` when nothing is known of its
 * runtime, which is no reason to refuse it.
 */
export function admitOnRuntime(known: KnownRuntimes, pod: AdmittedPod): RuntimeVerdict | undefined {
  const runtime = pod.spec.runtimeClassName || known.defaultRuntime;
  const rules = runtime === undefined ? undefined : known.rules.get(runtime);
  const verdicts = (rules ?? []).map((admit) => admit(pod));
  const [best] = verdicts.toSorted((a, b) => a.rejections.length - b.rejections.length);
  return best;
}

/** Whether a Pod of this runtime class needs to be asked about at all. */
export const hasAdmission = (runtimeClassName: string | undefined): boolean =>
  !runtimeClassName || Object.hasOwn(readers, runtimeClassName);
