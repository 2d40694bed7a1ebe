// Puts one manifest in, as `kubectl apply` does for kinds without a patch strategy of their own.
import { type ApiObject, type Gantry, hasReason, type Served } from "@gantry/sdk";
import { kindOf } from "./kinds.ts";
import type { Manifest } from "./manifest.ts";
import { threeWayPatch } from "./three-way-patch.ts";

export interface Applied {
  /** `job.batch/pi`. */
  readonly name: string;
  readonly result: "created" | "configured" | "unchanged";
}

/** kubectl's own: what one of the two applied, the other can apply further. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

export async function applyManifest(client: Gantry, { object }: Manifest): Promise<Applied> {
  const kind = kindOf(object);
  const resource = client.resource(kind);
  const namespace = object.metadata?.namespace;
  const modified = withLastApplied(object);
  const name = object.metadata?.name;
  const current =
    name === undefined
      ? undefined
      : await resource.get(name, { namespace }).catch((error: unknown) => {
          if (hasReason(error, "NotFound")) return undefined;
          throw error;
        });
  if (current === undefined || name === undefined) {
    const created = await resource.submit(modified, { namespace });
    return { name: `${kind.qualified}/${created.metadata.name}`, result: "created" };
  }
  const patch = threeWayPatch(lastApplied(current), modified, current);
  const qualified = `${kind.qualified}/${name}`;
  if (patch === undefined) return { name: qualified, result: "unchanged" };
  const patched = await resource.patch(name, patch, { namespace });
  const changed = patched.metadata.resourceVersion !== current.metadata.resourceVersion;
  return { name: qualified, result: changed ? "configured" : "unchanged" };
}

function withLastApplied(object: ApiObject): ApiObject {
  const { [LAST_APPLIED]: _, ...annotations } = object.metadata?.annotations ?? {};
  const bare = { ...object, metadata: { ...object.metadata, annotations } };
  return {
    ...object,
    metadata: {
      ...object.metadata,
      annotations: { ...annotations, [LAST_APPLIED]: `${JSON.stringify(bare)}\n` },
    },
  };
}

function lastApplied(current: Served<ApiObject>): unknown {
  const text = current.metadata.annotations?.[LAST_APPLIED];
  if (text === undefined) return {};
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
