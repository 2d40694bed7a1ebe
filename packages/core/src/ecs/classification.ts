// What a refusal by ECS, or the end of a task, means: the vocabulary of `classify`.
import type { EcsTask } from "./task.ts";

/** What is to be judged. */
export type Signal =
  /**
   * A call failed: `name` and `message` of the client's exception, or the `code` of one whose name
   * says nothing (ECONNRESET).
   */
  | {
      readonly kind: "error";
      readonly name: string;
      readonly message: string;
      /** HTTP status, when there was a reply. */
      readonly statusCode?: number | undefined;
      /** The Pod's own task role: that it may not be passed is no fault of the lane. */
      readonly taskRoleArn?: string | undefined;
    }
  /** An entry of `failures` in a reply that came. */
  | {
      readonly kind: "failure";
      readonly reason?: string | undefined;
      readonly detail?: string | undefined;
    }
  /** A task that has stopped, or is being stopped. */
  | { readonly kind: "stopped"; readonly task: EcsTask };

export type CauseClass =
  /** No room; another attempt later, elsewhere if there is an elsewhere. */
  | "capacity"
  /** The account's number of vCPUs, or another quota, is used up. */
  | "quota"
  /** No host suits the task as things are. */
  | "placement"
  /** Too many calls. */
  | "throttled"
  /** Will pass; the reply may be lost. */
  | "transient"
  /** The token has been used: the task is there. */
  | "launched"
  /** The task definition was taken away. */
  | "definition"
  /** What only the operator can mend: a permission, a cluster, credentials. */
  | "operator"
  /** The Pod's own fault, and the same at each attempt. */
  | "permanent"
  /** The image can't be pulled. */
  | "image"
  /** The container can't be created for something that may be mended (secret, volume, log group). */
  | "resource"
  /** The program can't be started. */
  | "start"
  /** The program ended. */
  | "exited"
  /** The host was taken away, or the task was stopped by others. */
  | "disrupted"
  /** Gone without a trace. */
  | "unknown";

export type Retry =
  /** The same RunTask with the same token: whether it took place is not known. */
  | "same-token"
  /** Another attempt with another token. */
  | "new-attempt"
  /** Take up the task that is there. */
  | "adopt"
  /** Register the definition again, then another attempt. */
  | "register"
  | "none";

export interface Cooling {
  /**
   * `call`: the bucket of the operation; `lane`: all launches of the lane; `pod`: only this Pod;
   * `circuit`: the lane is shut until a probe passes.
   */
  readonly scope: "call" | "lane" | "pod" | "circuit";
  readonly initialMs: number;
  readonly maxMs: number;
}

export interface Classification {
  readonly class: CauseClass;
  readonly retry: Retry;
  /** What is to wait before the next try, and for how long at first and at most. */
  readonly cool?: Cooling | undefined;
  /** Reason that the Pod shows: of its PodScheduled condition, its waiting state, or its end. */
  readonly podReason: string;
  /** ECS's own words, for people. */
  readonly message: string;
  /** No rule knows it: to be logged word for word. */
  readonly unrecognized?: true;
}
