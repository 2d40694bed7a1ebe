// Recorded commands whose output differs, each with its reason; docs/compatibility.md repeats them.

const differences = (reason: string, ...commands: readonly number[]) =>
  commands.map((n) => [n, reason] as const);

export const differencesOfCommands: ReadonlyMap<number, string> = new Map([
  ...differences("Gantry serves fewer groups and kinds", 2, 3),
  ...differences("the version is Gantry's own", 1),
  ...differences("descriptions are Gantry's own; the recording left them out", 4, 5),
  ...differences("nodes are Gantry's workers; the simulated runtime gives no IP addresses", 15),
  ...differences("nodes are Gantry's workers", 114, 115),
  ...differences(
    "an invalid value is shown as the JSON of the API, not as the recorded server's Go structure",
    21,
    79,
    85,
    131,
  ),
  ...differences("the simulated runtime is told the exit code by an annotation", 43),
  ...differences("controllers own no fields, and so have no entry of their own", 93),
  ...differences("the user has another name", 106),
  ...differences("the recorded server added a ConfigMap of its own distribution", 117),
  ...differences("the recorded kubelet had no logs to give", 124),
  ...differences("the checks behind /livez are each server's own", 128),
]);

/** Those that show what is under way: they may differ, and may be the same. */
export const momentary: ReadonlyMap<number, string> = new Map([
  ...differences("Gantry's Job is over already; the recorded one was running", 50),
  ...differences("the recorded controller had met the Job twice", 51),
]);
