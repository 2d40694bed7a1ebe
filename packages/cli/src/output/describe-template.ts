// A Pod template for people: what runs in it.
import type { JobManifest } from "@gantry/sdk";
import { type Outline, pairs } from "./outline.ts";

type Template = NonNullable<NonNullable<JobManifest["spec"]>["template"]>;
export type Container = NonNullable<NonNullable<Template["spec"]>["containers"]>[number];

export function templateOutline(template: Template | undefined): Outline {
  const spec = template?.spec;
  return {
    Labels: pairs(template?.metadata?.labels),
    "Restart Policy": spec?.restartPolicy,
    Runtime: spec?.runtimeClassName,
    "Init Containers": byName(spec?.initContainers, containerOutline),
    Containers: byName(spec?.containers, containerOutline),
    Volumes: spec?.volumes?.map((volume) => {
      const kind = Object.keys(volume).find((key) => key !== "name") ?? "";
      return `${volume.name} (${kind})`;
    }),
  };
}

export function byName<T extends { name?: string | undefined }>(
  items: readonly T[] | undefined,
  outline: (item: T) => Outline,
): Outline | undefined {
  return items && Object.fromEntries(items.map((item) => [item.name ?? "", outline(item)]));
}

export const containerOutline = (container: Container): Outline => ({
  Image: container.image,
  Command: container.command,
  Args: container.args,
  Limits: pairs(container.resources?.limits),
  Requests: pairs(container.resources?.requests),
  // Values may be secrets; names say enough.
  Environment: container.env?.map((one) => one.name ?? ""),
  Mounts: container.volumeMounts?.map((mount) => `${mount.mountPath} from ${mount.name}`),
});
