// How a command is started beside a running container: its mounts, user, directory and control group.
import { Cgroup, joiningCommand } from "./cgroup.ts";
import { enteredArgv } from "./mount-script.ts";
import type { ContainerPlan, PodPlan } from "./pod-plan.ts";

export type ProcessHost = Pick<PodPlan, "uid" | "directory" | "rootless" | "cgroupRoot">;

export interface BesideLaunch {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * `pid` is the container's first process; `keepsUser`: what runs `argv` has work to do as the
 * worker's user before the command becomes another.
 */
export const besideLaunch = (
  plan: ContainerPlan,
  pod: ProcessHost,
  pid: number,
  command: readonly string[],
  keepsUser: boolean,
): BesideLaunch => {
  const group = Cgroup.pathOf(pod.cgroupRoot, pod.uid, plan);
  const joined = (argv: readonly string[]): readonly string[] =>
    group === null ? argv : joiningCommand(group, argv);
  if (plan.mounts !== undefined) {
    return { argv: joined(enteredArgv(plan, pid, pod.rootless, command)), cwd: "/" };
  }
  const { user, cwd } = plan;
  if (user === undefined) return { argv: joined(command), cwd };
  const { uid, gid, groups } = user;
  if (groups.length === 0 && group === null && !keepsUser) return { argv: command, cwd, uid, gid };
  const others = groups.length === 0 ? ["--clear-groups"] : ["--groups", groups.join(",")];
  const ids = ["--reuid", String(uid), "--regid", String(gid), ...others];
  return { argv: joined(["setpriv", ...ids, "--", ...command]), cwd };
};
