// The end of a Pod whose machine was restarted while it ran: a disruption, not a failure of its own (R85).
import type { Observation, RuntimeEvent } from "../runtime.ts";

const message = "The machine of this node was restarted while the Pod ran";

export const rebooted: Pick<Observation, "reason" | "message" | "disruption"> = {
  reason: "NodeRebooted",
  message,
  disruption: { reason: "TerminationByKubelet", message },
};

export const rebootEvent: RuntimeEvent = { type: "Warning", reason: "NodeRebooted", message };
