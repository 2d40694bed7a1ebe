// `gantry apply -f FILE`: creates or changes the objects of a file.
import { applyManifest } from "../apply-manifest.ts";
import { type ClientOptions, connectClient } from "../client.ts";
import { readManifests } from "../manifest.ts";
import { EXIT_FAILED, reportError } from "../report-error.ts";

export interface ApplyOptions extends ClientOptions {
  readonly filename: readonly string[];
}

/** Goes on after an error, as kubectl does, and then exits non-zero. */
export async function apply(options: ApplyOptions): Promise<void> {
  const manifests = readManifests(options.filename);
  const client = connectClient(options);
  try {
    for (const manifest of manifests) {
      try {
        const { name, result } = await applyManifest(client, manifest);
        console.log(`${name} ${result}`);
      } catch (error) {
        process.exitCode = EXIT_FAILED;
        reportError(error);
      }
    }
  } finally {
    client.close();
  }
}
