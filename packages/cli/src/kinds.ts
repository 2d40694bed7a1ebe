// The kinds of the API and the names by which people call them.
import type { Resource } from "@gantry/sdk";
import { UsageError } from "./usage-error.ts";

interface Kind extends Resource {
  readonly names: readonly string[];
  /** As in `job.batch/pi created`. */
  readonly qualified: string;
}

const kind = (
  name: string,
  apiVersion: string,
  plural: string,
  shortNames: readonly string[] = [],
  namespaced = true,
): Kind => {
  const group = apiVersion.includes("/") ? `.${apiVersion.split("/")[0]}` : "";
  const singular = name.toLowerCase();
  const names = [singular, plural, ...shortNames, `${plural}${group}`, `${singular}${group}`];
  return { kind: name, apiVersion, plural, namespaced, names, qualified: `${singular}${group}` };
};

export const KINDS: readonly Kind[] = [
  kind("Job", "batch/v1", "jobs"),
  kind("CronJob", "batch/v1", "cronjobs", ["cj"]),
  kind("Pod", "v1", "pods", ["po"]),
  kind("Event", "v1", "events", ["ev"]),
  kind("ConfigMap", "v1", "configmaps", ["cm"]),
  kind("Secret", "v1", "secrets"),
  kind("ServiceAccount", "v1", "serviceaccounts", ["sa"]),
  kind("Namespace", "v1", "namespaces", ["ns"], false),
  kind("Node", "v1", "nodes", ["no"], false),
  kind("Lease", "coordination.k8s.io/v1", "leases"),
];

export function kindNamed(name: string): Kind {
  const found = KINDS.find((one) => one.names.includes(name.toLowerCase()));
  if (found !== undefined) return found;
  const known = KINDS.map((one) => one.plural).join(", ");
  throw new UsageError(`there is no kind ${JSON.stringify(name)}; there are ${known}`);
}

/** The kind of a manifest. */
export function kindOf(object: { apiVersion: string; kind: string }): Kind {
  const found = KINDS.find(
    (one) => one.kind === object.kind && one.apiVersion === object.apiVersion,
  );
  if (found !== undefined) return found;
  throw new UsageError(
    `no matches for kind ${JSON.stringify(object.kind)} in version "${object.apiVersion}"`,
  );
}

export interface Target {
  readonly kind: Kind;
  readonly name: string | undefined;
}

/** `jobs pi`, `job/pi pod/x`, `jobs,pods`: the ways of kubectl to name objects. */
export function parseTargets(words: readonly string[]): Target[] {
  const [first, ...names] = words;
  if (first === undefined) throw new UsageError("say which kind, as in `jobs` or `job/pi`");
  if (words.some((word) => word.includes("/"))) {
    return words.map((word) => {
      const [type = "", name = "", ...rest] = word.split("/");
      if (type === "" || name === "" || rest.length > 0) {
        throw new UsageError(`${JSON.stringify(word)}: write KIND/NAME for each, as in job/pi`);
      }
      return { kind: kindNamed(type), name };
    });
  }
  const kinds = first.split(",").map(kindNamed);
  if (names.length === 0) return kinds.map((one) => ({ kind: one, name: undefined }));
  return kinds.flatMap((one) => names.map((name) => ({ kind: one, name })));
}
