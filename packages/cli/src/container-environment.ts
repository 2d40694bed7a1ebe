// What a container platform hands over as environment variables, put where Gantry reads it.
import { dataDir } from "./data-dir.ts";
import { privateDir, writePrivate } from "./private-file.ts";

type Environment = Record<string, string | undefined>;

/** Variables whose text becomes a file: by name, the file in the data directory and who points to it. */
const files = [
  { from: "GANTRY_SECRETS_KEYS", file: "secrets-key", to: "GANTRY_SECRETS_KEY" },
  { from: "GANTRY_ECS_SETTINGS", file: "ecs-config.json", to: "GANTRY_ECS_CONFIG" },
] as const;

/** The scheme, the user if there is one, and the rest. */
const REDIS_URL = /^(rediss?(?:\+(?:sentinel|cluster))?:\/\/)(?:([^@/:]*)@)?(.*)$/s;

/** The URL with this password; one that has a password keeps it. */
export const withPassword = (url: string, password: string): string =>
  url.replace(REDIS_URL, (whole, scheme: string, user: string | undefined, rest: string) =>
    rest.split("/", 1)[0]?.includes("@") === true
      ? whole
      : `${scheme}${user ?? ""}:${encodeURIComponent(password)}@${rest}`,
  );

/**
 * Writes the files and changes `env`: what was secret in it is gone from it, so that no process
 * started later inherits it.
 */
export const takeEnvironment = (env: Environment): void => {
  const root = dataDir(undefined, env).root;
  for (const { from, file, to } of files) {
    const text = env[from];
    delete env[from];
    if (text === undefined || text === "") continue;
    const path = `${privateDir(root)}/${file}`;
    writePrivate(path, `${text}\n`);
    env[to] = path;
  }
  const { GANTRY_REDIS_PASSWORD: password, GANTRY_REDIS_URL: url } = env;
  delete env["GANTRY_REDIS_PASSWORD"];
  if (password !== undefined && password !== "" && url !== undefined) {
    env["GANTRY_REDIS_URL"] = withPassword(url, password);
  }
};
