// What worker and supervisor say to each other over the unix socket: lines of JSON.
// Other versions of Gantry read these too (a supervisor outlives an upgrade): only add to them.
import type { Socket } from "node:net";
import type { Observation, RuntimeEvent } from "../runtime.ts";
import type { PodPlan } from "./pod-plan.ts";

export type WorkerMessage =
  | { readonly op: "start"; readonly plan: PodPlan }
  | { readonly op: "attach"; readonly uid: string }
  | { readonly op: "stop"; readonly uid: string; readonly graceSeconds: number }
  /** Said again and again by a worker that runs; one that falls silent is away. */
  | { readonly op: "alive" }
  /** The worker goes. Without Pods and other workers the supervisor exits at once. */
  | { readonly op: "leave" }
  /** The worker uses another supervisor: exit as soon as there are no Pods. */
  | { readonly op: "drain" };

export type SupervisorMessage =
  | { readonly op: "observed"; readonly uid: string; readonly observation: Observation }
  | { readonly op: "event"; readonly uid: string; readonly event: RuntimeEvent }
  /** Not running here (any more); its journal says what became of it. */
  | { readonly op: "unknown"; readonly uid: string };

export const send = (socket: Socket, message: WorkerMessage | SupervisorMessage): void => {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
};

export const receive = <M>(socket: Socket, handle: (message: M) => void): void => {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) handle(JSON.parse(line) as M);
  });
};
