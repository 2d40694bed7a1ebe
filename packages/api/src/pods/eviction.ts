// pods/eviction (R85): the Pod is marked as disrupted, then deleted gracefully.
import {
  badRequest,
  eviction,
  isTerminal,
  notFound,
  type PodCondition,
  type PodRecord,
  rfc3339,
} from "@gantry/core";
import { Txn, updatePod } from "@gantry/store";
import type { FastifyReply, FastifyRequest } from "fastify";
import { checkPathName, storeKey } from "../registry/object-key.ts";
import { pods } from "../registry/pods.ts";
import { readObject } from "../requests/body.ts";
import { type DeleteBody, deleteOptions, queryOf, writeOptions } from "../requests/query.ts";
import { negotiate } from "../requests/negotiate.ts";
import { addWarnings, sendBody } from "../responses/send.ts";
import type { ApiContext } from "../server/context.ts";
import { remove } from "../verbs/delete.ts";

const target = {
  group: "policy",
  version: "v1",
  kind: "Eviction",
  schema: eviction,
};

const disrupted = (nowMs: number): PodCondition => ({
  type: "DisruptionTarget",
  status: "True",
  lastTransitionTime: rfc3339(nowMs),
  reason: "EvictionByEvictionAPI",
  message: "Eviction API: evicting",
});

/** Marks a Pod that runs; one that has ended, never started or is going is only deleted. */
const mark = async (context: ApiContext, key: string, name: string): Promise<void> => {
  for (;;) {
    const stored = await context.store.get("pods", key);
    if (stored === null) throw notFound("pods", "", name);
    const pod: PodRecord = stored.value;
    const ends = isTerminal(pod) || pod.phase === "Pending" || pod.deletion !== undefined;
    if (ends) return;
    const others = (pod.conditions ?? []).filter(({ type }) => type !== "DisruptionTarget");
    const txn = new Txn();
    updatePod(txn, stored, { ...pod, conditions: [...others, disrupted(context.nowMs())] });
    if ((await context.store.commit(txn)).ok) return;
  }
};

export const evict =
  (context: ApiContext) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { namespace = "", name = "" } = request.params as { namespace?: string; name?: string };
    checkPathName(name);
    const { format } = negotiate(request.headers.accept, { list: false });
    const options = writeOptions(queryOf(request), "CreateOptions");
    const { object, warnings } = readObject(request, target, options.fieldValidation);
    const given = object.metadata?.name ?? "";
    if (given !== "" && given !== name) {
      throw badRequest("name in URL does not match name in Eviction object");
    }
    const wanted = deleteOptions(
      new URLSearchParams(),
      (object["deleteOptions"] ?? {}) as DeleteBody,
    );
    const dryRun = options.dryRun || wanted.dryRun;
    const key = storeKey(pods, checkPathName(namespace), name);
    // A precondition that does not hold must not leave a mark.
    await remove(context, pods, namespace, name, { ...wanted, dryRun: true });
    if (!dryRun) {
      await mark(context, key, name);
      await remove(context, pods, namespace, name, { ...wanted, dryRun: false });
    }
    addWarnings(reply, warnings);
    const success = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      code: 201,
    };
    return sendBody(request, reply, format, 201, success);
  };
