// Whether the ecs runtime can run a Pod: on some lane, all of it.
import { planTask } from "../task-plan.ts";
import { runtimeLabel } from "../lane-settings.ts";
import { type LanePlace, placesFor } from "../places.ts";
import type { EcsSettings } from "../settings.ts";
import { containerRules } from "./container-rules.ts";
import { environmentRules } from "./environment-rules.ts";
import type { AdmissionCase, AdmittedPod, Finding } from "./finding.ts";
import { podRules } from "./pod-rules.ts";
import { resourceRules } from "./resource-rules.ts";
import { securityRules } from "./security-rules.ts";
import { volumeRules } from "./volume-rules.ts";

export interface EcsAdmission {
  /** As refusals name it: `ecs-fargate`, `ecs-ec2`. */
  readonly runtime: string;
  /** Empty: it is admitted. Paths are below the Pod spec. */
  readonly rejections: readonly { readonly path: string; readonly message: string }[];
  /** What is accepted and ignored. */
  readonly warnings: readonly { readonly path: string; readonly message: string }[];
  /** Names of the lanes that can run it. */
  readonly lanes: readonly string[];
}

const rules = [
  podRules,
  securityRules,
  containerRules,
  environmentRules,
  resourceRules,
  volumeRules,
];

/** Longest names and largest numbers, so that what is admitted here fits later, too. */
const LONGEST_NAME = "n".repeat(253);
const UID = "00000000-0000-0000-0000-000000000000";
const LAST_ATTEMPT = 99_999;

/** Values of ConfigMaps are not known yet; what is too large without them stays so. */
function sizeFindings({ namespace, annotations, spec, lane, settings }: AdmissionCase): Finding[] {
  const plan = planTask({
    pod: {
      namespace,
      name: LONGEST_NAME,
      uid: UID,
      labels: {},
      annotations,
      serviceAccountName: spec.serviceAccountName ?? "default",
      job: LONGEST_NAME,
      spec,
      configMaps: new Map(),
    },
    lane,
    settings,
    attempt: LAST_ATTEMPT,
  });
  return plan.ok ? [] : [{ kind: "refusal", ...plan.rejection }];
}

const isRefusal = ({ kind }: Finding): boolean => kind === "refusal";

function findings(pod: AdmissionCase): Finding[] {
  const found = rules.flatMap((rule) => rule(pod));
  return found.some(isRefusal) ? found : [...found, ...sizeFindings(pod)];
}

const stripped = (found: readonly Finding[], kind: Finding["kind"]) =>
  found.filter((one) => one.kind === kind).map(({ path, message }) => ({ path, message }));

const nowhere = (settings: EcsSettings): string => {
  const lanes = settings.lanes.map(({ name, arch }) => `${name} (${arch})`).join(", ");
  const zones = [...new Set(settings.network.subnets.map(({ zone }) => zone ?? "unnamed"))];
  return `no lane has these labels; there are ${lanes}, in zones ${zones.join(", ")}`;
};

/** Where a task of the Pod may go: the lanes that its labels allow and that can run all of it. */
export const suitablePlaces = (pod: AdmittedPod, settings: EcsSettings): LanePlace[] =>
  placesFor(pod.spec, settings).filter(
    ({ lane }) => !findings({ ...pod, lane, settings }).some(isRefusal),
  );

/** Expects a defaulted spec that is valid by Kubernetes' rules. */
export function admitOnEcs(pod: AdmittedPod, settings: EcsSettings): EcsAdmission {
  const places = placesFor(pod.spec, settings);
  const lanes = places.length > 0 ? places.map(({ lane }) => lane) : settings.lanes;
  const cases = lanes.map((lane) => ({ lane, found: findings({ ...pod, lane, settings }) }));
  const refusals = ({ found }: { readonly found: readonly Finding[] }): number =>
    found.filter(isRefusal).length;
  // The lane that comes nearest speaks for all.
  const [best] = cases.toSorted((a, b) => refusals(a) - refusals(b));
  const found = best?.found ?? [];
  const path = pod.spec.nodeSelector === undefined ? "affinity.nodeAffinity" : "nodeSelector";
  const misplaced = places.length > 0 ? [] : [{ path, message: nowhere(settings) }];
  return {
    runtime: best === undefined ? "ecs" : runtimeLabel(best.lane),
    rejections: [...misplaced, ...stripped(found, "refusal")],
    warnings: stripped(found, "warning"),
    lanes:
      places.length === 0
        ? []
        : cases.filter((one) => refusals(one) === 0).map(({ lane }) => lane.name),
  };
}
