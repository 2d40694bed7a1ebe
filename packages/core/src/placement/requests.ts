// What a Pod asks of a node: the sum of its containers' requests, or its largest init step.
import { parseQuantity } from "../apimachinery/quantity.ts";
import type { Container } from "../schema/container.ts";
import type { PodSpec } from "../schema/pod.ts";

/** Amounts by resource name (`cpu`, `memory`, `pods`...), in 10^-9 as quantities keep them. */
export type Amounts = ReadonlyMap<string, bigint>;

type Named = Readonly<Record<string, string>> | undefined;

const one = 10n ** 9n;

/** The node's resource that counts Pods. */
export const PODS = "pods";

export const amountsOf = (quantities: Named): Map<string, bigint> =>
  new Map(Object.entries(quantities ?? {}).map(([name, text]) => [name, parseQuantity(text).nano]));

export const addAmounts = (to: Map<string, bigint>, amounts: Amounts): void => {
  for (const [name, amount] of amounts) to.set(name, (to.get(name) ?? 0n) + amount);
};

const raiseTo = (to: Map<string, bigint>, amounts: Amounts): void => {
  for (const [name, amount] of amounts) {
    if (amount > (to.get(name) ?? 0n)) to.set(name, amount);
  }
};

/** A limit without a request is a request too (defaulting of Pods). */
const containerRequests = ({ resources }: Pick<Container, "resources">): Map<string, bigint> =>
  amountsOf({ ...resources?.limits, ...resources?.requests });

/**
 * The containers and sidecars together, or, where it is more, an init container together with the
 * sidecars that started before it. Requests of the Pod as a whole replace what its containers say.
 * Includes the one place of a Pod.
 */
export function podRequests(spec: PodSpec): Amounts {
  const running = new Map<string, bigint>();
  for (const container of spec.containers ?? []) addAmounts(running, containerRequests(container));
  const sidecars = new Map<string, bigint>();
  const starting = new Map<string, bigint>();
  for (const container of spec.initContainers ?? []) {
    const own = containerRequests(container);
    if (container.restartPolicy === "Always") {
      addAmounts(running, own);
      addAmounts(sidecars, own);
      raiseTo(starting, sidecars);
    } else {
      addAmounts(own, sidecars);
      raiseTo(starting, own);
    }
  }
  raiseTo(running, starting);
  for (const [name, amount] of containerRequests(spec)) running.set(name, amount);
  addAmounts(running, amountsOf(spec.overhead));
  running.set(PODS, one);
  return running;
}
