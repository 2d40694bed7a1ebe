// Messages and maps that server-side apply treats as one value, and lists with unusual patch strategies.

const core = (name: string): string => `io.k8s.api.core.v1.${name}`;
const meta = (name: string): string => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`;

/** Messages that are owned and replaced whole, wherever they stand. */
export const atomicMessages: ReadonlySet<string> = new Set([
  core("ConfigMapKeySelector"),
  core("FileKeySelector"),
  core("LocalObjectReference"),
  core("NodeSelector"),
  core("NodeSelectorTerm"),
  core("ObjectFieldSelector"),
  core("ObjectReference"),
  core("ResourceFieldSelector"),
  core("SecretKeySelector"),
  core("SecretReference"),
  core("TypedLocalObjectReference"),
  meta("LabelSelector"),
  meta("OwnerReference"),
  meta("FieldsV1"),
]);

/** `message.field` of maps that are owned and replaced whole. */
export const atomicMaps: ReadonlySet<string> = new Set([
  `${core("PodSpec")}.nodeSelector`,
  `${core("ServiceSpec")}.selector`,
]);

/** `message.field` of lists whose items a strategic merge patch may cut down to named keys. */
export const retainKeysLists: ReadonlySet<string> = new Set([`${core("PodSpec")}.volumes`]);
