// 405 for the methods that a path has in HTTP, and not here.
import { methodNotAllowed } from "@gantry/core";
import type { FastifyInstance } from "fastify";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
export type Method = (typeof METHODS)[number];

const refuse = (): never => {
  throw methodNotAllowed();
};

/** `served`: methods that have routes of their own, now or later; HEAD goes with GET. */
export const refuseOthers = (
  app: FastifyInstance,
  path: string,
  served: readonly Method[],
): void => {
  const method = METHODS.filter((one) => !served.includes(one));
  app.route({ method, url: path, handler: refuse });
};
