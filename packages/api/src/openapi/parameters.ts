// Query and path parameters of the API's operations.

export interface Parameter {
  readonly name: string;
  readonly in: "query" | "path";
  readonly description: string;
  readonly required?: true;
  readonly schema: { readonly type: "string" | "boolean" | "integer"; readonly uniqueItems: true };
}

const parameter = (
  name: string,
  type: Parameter["schema"]["type"],
  description: string,
): Parameter => ({
  name,
  in: "query",
  description,
  schema: { type, uniqueItems: true },
});

const path = (name: string, description: string): Parameter => ({
  name,
  in: "path",
  description,
  required: true,
  schema: { type: "string", uniqueItems: true },
});

export const namespaceParameter = path("namespace", "The namespace of the object.");
export const nameParameter = (kind: string): Parameter => path("name", `The name of the ${kind}.`);

export const pretty = parameter("pretty", "string", "With 'true' the answer is indented.");

const dryRun = parameter(
  "dryRun",
  "string",
  "With 'All' the request is checked and answered, and nothing is stored.",
);
const fieldManager = parameter(
  "fieldManager",
  "string",
  "Who makes the change, as it is to stand in metadata.managedFields.",
);
const fieldValidation = parameter(
  "fieldValidation",
  "string",
  "What unknown and repeated fields get: Strict refuses them, Warn (the default) drops them with " +
    "a warning, Ignore drops them.",
);
const force = parameter(
  "force",
  "boolean",
  "Takes over fields that other managers own. For apply patches only.",
);
const labelSelector = parameter("labelSelector", "string", "Only objects whose labels match.");
const fieldSelector = parameter("fieldSelector", "string", "Only objects whose fields match.");
const resourceVersion = parameter(
  "resourceVersion",
  "string",
  "The version from which a watch begins, or which a list must not be older than.",
);
const resourceVersionMatch = parameter(
  "resourceVersionMatch",
  "string",
  "How resourceVersion applies to a list: Exact or NotOlderThan.",
);
const timeoutSeconds = parameter("timeoutSeconds", "integer", "Ends the request after this long.");
const limit = parameter("limit", "integer", "Most objects of one answer.");
const continueToken = parameter("continue", "string", "Where the page before ended.");
const sendInitialEvents = parameter(
  "sendInitialEvents",
  "boolean",
  "A watch begins with the objects that there are, and a bookmark after the last.",
);

export const writeParameters = [dryRun, fieldManager, fieldValidation] as const;
export const patchParameters = [dryRun, fieldManager, fieldValidation, force] as const;

export const listParameters = [
  parameter("allowWatchBookmarks", "boolean", "A watch may send bookmarks."),
  continueToken,
  fieldSelector,
  labelSelector,
  limit,
  resourceVersion,
  resourceVersionMatch,
  sendInitialEvents,
  timeoutSeconds,
  parameter("watch", "boolean", "Streams changes instead of answering a list."),
] as const;

export const deleteParameters = [
  dryRun,
  parameter("gracePeriodSeconds", "integer", "How long the object may take to end; 0 is at once."),
  parameter("orphanDependents", "boolean", "Outdated: propagationPolicy replaces it."),
  parameter(
    "propagationPolicy",
    "string",
    "What becomes of what the object owns: Orphan, Background or Foreground.",
  ),
] as const;

export const deleteCollectionParameters = [
  continueToken,
  ...deleteParameters,
  fieldSelector,
  labelSelector,
  limit,
  resourceVersion,
  resourceVersionMatch,
  sendInitialEvents,
  timeoutSeconds,
] as const;

export const logParameters = [
  parameter("container", "string", "The container; may be left out where there is one."),
  parameter("follow", "boolean", "Keeps sending what the container writes."),
  parameter("limitBytes", "integer", "Ends after this many bytes."),
  parameter("previous", "boolean", "The container's run before its last restart."),
  parameter("sinceSeconds", "integer", "Only what is not older."),
  parameter("sinceTime", "string", "Only what is not older than this RFC 3339 time."),
  parameter("tailLines", "integer", "Only this many lines at the end."),
  parameter("timestamps", "boolean", "Each line begins with its RFC 3339 time."),
] as const;

/** `exec` has a command; `attach` joins the one that runs. */
export const sessionParameters = (kind: "exec" | "attach"): readonly Parameter[] => [
  ...(kind === "attach"
    ? []
    : [parameter("command", "string", "A word of the command; given once for each.")]),
  parameter("container", "string", "The container; may be left out where there is one."),
  parameter("stderr", "boolean", "Sends the standard error."),
  parameter("stdin", "boolean", "Takes standard input."),
  parameter("stdout", "boolean", "Sends the standard output."),
  parameter("tty", "boolean", "Gives the command a terminal."),
];
