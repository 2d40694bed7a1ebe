// The `gantry` program: parses the command line and turns an error into a message and an exit code.
import { program } from "./program.ts";

// A reader that went away (`| head`) is no crash; whoever writes decides what it means.
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);

try {
  await program().parseAsync(process.argv);
} catch (error) {
  const { reportError } = await import("./report-error.ts");
  process.exitCode = reportError(error);
}
// Every command awaits what it started, so nothing is left to wait for but what is still being printed.
await Promise.all([process.stdout, process.stderr].map(flushed));
process.exit();

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  // The callback comes after everything written before, or with an error if the reader is gone.
  return new Promise((resolve) => stream.write("", () => resolve()));
}
