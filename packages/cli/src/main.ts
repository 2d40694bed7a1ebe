// The `gantry` program: parses the command line and turns an error into a message and an exit code.
import { program } from "./program.ts";

/** A command that is done but whose last sockets linger is not waited for longer than this. */
const LINGER_MS = 1_000;

// A reader that went away (`| head`) is no crash; whoever writes decides what it means.
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);

try {
  await program().parseAsync(process.argv);
} catch (error) {
  const { reportError } = await import("./report-error.ts");
  process.exitCode = reportError(error);
}
setTimeout(() => process.exit(), LINGER_MS).unref();
