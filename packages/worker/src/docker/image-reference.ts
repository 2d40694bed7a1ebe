// Image references: which are valid, and which registry they name.

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const domain = `(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const tag = "[\\w][\\w.-]{0,127}";
const digest = "sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}";
const repositoryPath = `${component}(?:/${component})*`;
const grammar = new RegExp(`^(?:(${domain})/)?(${repositoryPath})(?::(${tag}))?(?:@(${digest}))?$`);

/** The first part of a reference is a registry only when it looks like a host. */
const looksLikeHost = (text: string): boolean =>
  text.includes(".") || text.includes(":") || text === "localhost" || /[A-Z]/.test(text);

export interface ImageReference {
  /** With a tag or digest, so that it names one image. */
  readonly full: string;
  readonly registry: string;
  /** Path within the registry. */
  readonly repository: string;
  readonly isLatest: boolean;
}

export const DOCKER_HUB = "docker.io";

/** `null` when it is no valid reference. */
export const parseImage = (image: string): ImageReference | null => {
  const found = grammar.exec(image);
  if (found === null) return null;
  const [, first, rest = "", ownTag, ownDigest] = found;
  if (first !== undefined && !looksLikeHost(first) && !new RegExp(`^${component}$`).test(first)) {
    return null;
  }
  const registry = first !== undefined && looksLikeHost(first) ? first : DOCKER_HUB;
  const path =
    first !== undefined && registry === DOCKER_HUB && first !== DOCKER_HUB
      ? `${first}/${rest}`
      : rest;
  const isShort = registry === DOCKER_HUB && !path.includes("/");
  return {
    full: ownTag === undefined && ownDigest === undefined ? `${image}:latest` : image,
    registry,
    repository: isShort ? `library/${path}` : path,
    isLatest: ownDigest === undefined && (ownTag ?? "latest") === "latest",
  };
};
