// Turns whatever a command threw into what a person reads on stderr.
import { ConnectionError, GantryError, WaitError } from "@gantry/sdk";
import { UsageError } from "./usage-error.ts";

export const EXIT_FAILED = 1;

/** Prints the error and gives the exit code. */
export function reportError(
  error: unknown,
  write = (text: string) => process.stderr.write(text),
): number {
  write(`gantry: ${errorText(error)}\n`);
  return EXIT_FAILED;
}

export function errorText(error: unknown): string {
  if (error instanceof GantryError) return statusText(error);
  if (error instanceof ConnectionError) {
    return `${error.message}\nIs Gantry running? \`gantry up\` starts one.`;
  }
  if (error instanceof WaitError || error instanceof UsageError) return error.message;
  if (!(error instanceof Error)) return String(error);
  if ((error as NodeJS.ErrnoException).code === "EADDRINUSE")
    return `${error.message}; choose another with --listen`;
  if (process.env["GANTRY_DEBUG"] === "1") return error.stack ?? error.message;
  return EXPECTED.has(error.name) ? error.message : `${error.message} (GANTRY_DEBUG=1 shows where)`;
}

/** Errors of the parts whose message is written for the user. */
const EXPECTED: ReadonlySet<string> = new Set([
  "EcsStartError",
  "UnsafeRedisError",
  "StoreVersionError",
  "SecretsKeyMismatchError",
]);

/** One line, or one a cause where several rules are broken. */
function statusText(error: GantryError): string {
  if (error.code === 401) return "the server refused the token (401 Unauthorized)";
  if (error.causes.length < 2) return error.message;
  const head =
    /^(.*? is invalid):/s.exec(error.message)?.[1] ?? `the server refused it (${error.reason})`;
  const causes = error.causes.map(
    (cause) => `  ${cause.field ? `${cause.field}: ` : ""}${cause.message ?? cause.reason}`,
  );
  return `${head}:\n${causes.join("\n")}`;
}
