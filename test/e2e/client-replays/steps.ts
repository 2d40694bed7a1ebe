// What a replay is made of: requests as a client sends them, and what the client needs of each answer.

// Bodies are whatever a step looks at.
// oxlint-disable-next-line typescript/no-explicit-any
export type Body = any;

/** What earlier answers told, by names that later steps use. */
export type Memory = Record<string, string>;

export type Of<T> = T | ((memory: Memory) => T);

export interface Step {
  readonly what: string;
  /** GET by default. */
  readonly method?: string;
  readonly path: Of<string>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Of<object | undefined>;
  /** 200 by default. */
  readonly status?: number;
  /** How the answer's content type begins; `application/json` by default. */
  readonly type?: string;
  /** Looks at the body; remembers. */
  readonly check?: (body: Body, memory: Memory) => void;
  /** Of a watch: read until this is true of all events so far. Then the connection is let go. */
  readonly until?: (events: readonly WatchEvent[], memory: Memory) => boolean;
  /** Of a watch that goes on beside the steps that follow: it must not end with an error. */
  readonly quiet?: true;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: Body;
}

export interface Replay {
  readonly client: string;
  /** Whose requests these are, and where they can be read. */
  readonly source: string;
  readonly steps: readonly Step[];
}

export const JSON_TYPE = { "content-type": "application/json" };

/** Typed clients of client-go ask for protobuf first; Gantry answers JSON. */
export const TYPED = { accept: "application/vnd.kubernetes.protobuf,application/json" };

export const AGGREGATED =
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
  "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

export const initialEventsEnd = ({ type, object }: WatchEvent): boolean =>
  type === "BOOKMARK" && object.metadata.annotations?.["k8s.io/initial-events-end"] === "true";

/** Runs at once, and ends by itself. */
export const podTemplate = {
  spec: {
    restartPolicy: "Never",
    containers: [{ name: "main", image: "busybox", command: ["true"] }],
  },
};

export const job = (name: string, metadata: object = {}): object => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name, namespace: "default", ...metadata },
  spec: { template: podTemplate },
});

export const cronJob = (name: string, schedule = "0 3 * * *"): object => ({
  apiVersion: "batch/v1",
  kind: "CronJob",
  metadata: { name, namespace: "default" },
  spec: { schedule, jobTemplate: { spec: { template: podTemplate } } },
});

export const JOBS = "/apis/batch/v1/namespaces/default/jobs";
export const CRON_JOBS = "/apis/batch/v1/namespaces/default/cronjobs";
export const SECRETS = "/api/v1/namespaces/default/secrets";
