// Subresources of Pods that no runtime has, refused by name instead of as unknown paths.
import { ApiError, errorStatus } from "@gantry/core";
import type { FastifyInstance } from "fastify";
import type { ApiContext } from "../server/context.ts";
import { podAt } from "./worker-link.ts";

const unserved: Readonly<Record<string, string>> = {
  portforward: "Pods are reached by their address: there is no pods/portforward",
  proxy: "Pods are reached by their address: there is no pods/proxy",
  ephemeralcontainers: "containers can't be added to a Pod that runs: use pods/exec",
  resize: "the resources of a Pod can't be changed while it runs",
  binding: "workers take Pods themselves: there is no pods/binding",
};

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

export const registerUnserved = (app: FastifyInstance, context: ApiContext, pod: string): void => {
  for (const [subresource, why] of Object.entries(unserved)) {
    for (const url of subresource === "proxy" ? ["proxy", "proxy/*"] : [subresource]) {
      app.route({
        method: methods,
        url: `${pod}/${url}`,
        handler: async (request) => {
          const { namespace = "", name = "" } = request.params as Record<string, string>;
          await podAt(context, namespace, name);
          throw new ApiError(errorStatus(405, "MethodNotAllowed", `Gantry: ${why}`));
        },
      });
    }
  }
};
