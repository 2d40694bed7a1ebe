// Credentials for registries out of a Pod's imagePullSecrets, as a kubelet's keyring finds them.
import type { RunnablePod } from "../runtime.ts";
import { DOCKER_HUB, type ImageReference } from "./image-reference.ts";

export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
}

/** An entry of `auths`: `auth` is `username:password` in base64 and goes before both. */
type Entry = Readonly<Partial<Record<"username" | "password" | "auth", unknown>>>;

const hubNames = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

const credentialsOf = (server: string, entry: Entry): Credentials | null => {
  const auth = Buffer.from(textOf(entry.auth), "base64").toString();
  const colon = auth.indexOf(":");
  const username = colon > 0 ? auth.slice(0, colon) : textOf(entry.username);
  const password = colon > 0 ? auth.slice(colon + 1) : textOf(entry.password);
  return username === "" ? null : { username, password, serveraddress: server };
};

const plain = (server: string): string =>
  server.replace(/^https?:\/\//, "").replace(/\/(v[12]\/?)?$/, "");

/** `*.example.com:5000/team` matches registries by label, and repositories by prefix. */
const matches = (server: string, image: ImageReference): boolean => {
  const [host = "", ...path] = plain(server).split("/");
  const isHub = image.registry === DOCKER_HUB && hubNames.has(host);
  const [wanted, actual] = [host.split("."), image.registry.split(".")];
  const sameHost =
    wanted.length === actual.length &&
    wanted.every((part, n) => globMatches(part, actual[n] ?? ""));
  const prefix = path.join("/");
  const inPath =
    prefix === "" || image.repository === prefix || image.repository.startsWith(`${prefix}/`);
  return (isHub || sameHost) && inPath;
};

const globMatches = (glob: string, text: string): boolean => {
  const pattern = glob.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${pattern.replaceAll("?", ".")}$`).test(text);
};

const authsOf = (secret: ReadonlyMap<string, Buffer>): Record<string, Entry> => {
  const config = secret.get(".dockerconfigjson");
  const legacy = secret.get(".dockercfg");
  try {
    const parsed: unknown = JSON.parse((config ?? legacy ?? "{}").toString());
    const auths: unknown = config === undefined ? parsed : (parsed as { auths?: unknown }).auths;
    return typeof auths === "object" && auths !== null ? (auths as Record<string, Entry>) : {};
  } catch {
    // As a kubelet does: the pull then says what is missing.
    return {};
  }
};

/** What to try for an image, the most specific first. Empty: pull without. */
export const credentialsFor = (pod: RunnablePod, image: ImageReference): Credentials[] =>
  (pod.spec.imagePullSecrets ?? [])
    .flatMap(({ name }) => Object.entries(authsOf(pod.sources.get(`secret/${name}`) ?? new Map())))
    .filter(([server]) => matches(server, image))
    .toSorted(([a], [b]) => plain(b).length - plain(a).length)
    .flatMap(([server, entry]) => credentialsOf(server, entry) ?? []);
