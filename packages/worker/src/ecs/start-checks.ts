// What must be right before a worker offers the ecs runtime: found at start, with what to fix.
import { DescribeClustersCommand } from "@aws-sdk/client-ecs";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import type { EcsSettings } from "@gantry/core";
import type { EcsClients } from "./ecs-clients.ts";

/** Faults that pass: a worker must not be kept from starting by one throttled call. */
const TRIES = 4;
const RETRY_MS = 1_000;

/** The ecs runtime can't be offered; the message says what to fix. */
export class EcsStartError extends Error {
  override name = "EcsStartError";
}

const credentialNames =
  /Credentials|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|ExpiredToken|MissingAuthenticationToken|IncompleteSignature/;

const textOf = (error: unknown): { name: string; message: string } => {
  const { name = "Error", message = "" } = (error ?? {}) as Partial<Error>;
  const { code } = (error ?? {}) as { code?: unknown };
  return { name: typeof code === "string" ? code : name, message: message || String(error) };
};

const explain = (error: unknown, what: string, region: string): EcsStartError => {
  const { name, message } = textOf(error);
  const said = `${name}: ${message}`;
  const fix = credentialNames.test(name)
    ? `give AWS credentials (an ECS task role, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) that are valid in ${region}`
    : /AccessDenied/.test(name)
      ? "let the worker's role do it; docs/ecs.md lists the permissions"
      : /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|TimeoutError/.test(name)
        ? `check that "region" (${region}) is right and that its endpoints can be reached from here`
        : `check "region" (${region}) and the name`;
  return new EcsStartError(`the ecs runtime can't start: ${what} failed with ${said}; ${fix}`, {
    cause: error,
  });
};

/** A timeout among them: a process that stood still meanwhile has one, too. */
const passing =
  /Throttl|TooManyRequests|ServerException|InternalFailure|ServiceUnavailable|ECONNRESET|EPIPE|ETIMEDOUT|EAI_AGAIN|TimeoutError/;

const tried = async <T>(
  call: () => Promise<T>,
  sleep: (ms: number) => Promise<void>,
): Promise<T> => {
  for (let n = 1; ; n++) {
    try {
      return await call();
    } catch (error) {
      const { name } = textOf(error);
      const { $metadata } = (error ?? {}) as { $metadata?: { httpStatusCode?: number } };
      const isPassing = passing.test(name) || ($metadata?.httpStatusCode ?? 0) >= 500;
      if (!isPassing || n === TRIES) throw error;
      await sleep(RETRY_MS);
    }
  }
};

/** Throws EcsStartError. */
export const checkStart = async (
  settings: EcsSettings,
  { ecs, sqs }: EcsClients,
  sleep: (ms: number) => Promise<void>,
): Promise<void> => {
  const { region, lanes, watch } = settings;
  const clusters = [...new Set(lanes.map(({ cluster }) => cluster))];
  const { clusters: found = [] } = await tried(
    () => ecs.send(new DescribeClustersCommand({ clusters })),
    sleep,
  ).catch((error: unknown) => {
    throw explain(error, "DescribeClusters", region);
  });
  for (const cluster of clusters) {
    const one = found.find(
      ({ clusterName, clusterArn }) => clusterName === cluster || clusterArn === cluster,
    );
    if (one === undefined || one.status === "INACTIVE") {
      const names = lanes.filter((lane) => lane.cluster === cluster).map(({ name }) => name);
      throw new EcsStartError(
        `the ecs runtime can't start: there is no cluster "${cluster}" in ${region}, ` +
          `which ${names.map((name) => `lane "${name}"`).join(" and ")} names; ` +
          "correct lanes[].cluster or region, or create the cluster",
      );
    }
    checkProviders(settings, cluster, one.capacityProviders ?? []);
  }
  if (watch.queueUrl === undefined) return;
  const { queueUrl } = watch;
  await tried(
    () =>
      sqs.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["QueueArn"] })),
    sleep,
  ).catch((error: unknown) => {
    throw explain(error, `GetQueueAttributes of watch.queueUrl ${queueUrl}`, region);
  });
};

/** FARGATE and FARGATE_SPOT have to be associated with a cluster before a strategy may name them. */
const checkProviders = (
  { lanes }: EcsSettings,
  cluster: string,
  associated: readonly string[],
): void => {
  if (associated.length === 0) return;
  for (const lane of lanes) {
    const { capacityProvider: provider } = lane;
    if (lane.cluster !== cluster || provider === undefined || associated.includes(provider))
      continue;
    throw new EcsStartError(
      `the ecs runtime can't start: lane "${lane.name}" names the capacity provider ` +
        `"${provider}", which cluster "${cluster}" does not have (it has ${associated.join(", ")}); ` +
        "associate it by PutClusterCapacityProviders",
    );
  }
};
