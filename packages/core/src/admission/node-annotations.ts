// Annotations by which a worker's Node tells what admission needs to know of its runtimes.

/** Runtime of the Pods that name none, as the worker of the Node has it. */
export const DEFAULT_RUNTIME_ANNOTATION = "gantry.dev/default-runtime";

const PREFIX = "runtimes.gantry.dev/";

/** Annotation of a Node: settings of a runtime, as far as admission needs them. */
export const runtimeSettingsAnnotation = (runtime: string): string => `${PREFIX}${runtime}`;
