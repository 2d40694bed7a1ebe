// imagePullPolicy that an image reference implies when none is given (job-spec 6).

const domainComponent = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const host = `(?:${domainComponent}(?:\\.${domainComponent})*|\\[[a-fA-F0-9:]+\\])`;
const pathComponent = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const reference = new RegExp(
  `^(?:${host}(?::[0-9]+)?/)?${pathComponent}(?:/${pathComponent})*` +
    "(?::(?<tag>[\\w][\\w.-]{0,127}))?" +
    "(?<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$",
);

/** `Always` for tag `latest`, said or implied; else, also for what is no reference, the other. */
export function defaultPullPolicy(image: string): "Always" | "IfNotPresent" {
  const groups = reference.exec(image)?.groups;
  if (groups === undefined) return "IfNotPresent";
  const { tag, digest } = groups;
  return tag === "latest" || (tag === undefined && digest === undefined)
    ? "Always"
    : "IfNotPresent";
}
