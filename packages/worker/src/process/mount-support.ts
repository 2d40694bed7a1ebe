// Whether this host lets us give a container mounts of its own, found by trying.
import { spawnSync } from "node:child_process";

export interface MountSupport {
  /** Why mounts are not possible; `null` when they are. */
  readonly refusal: string | null;
  /** Mounting takes a user namespace, because we are not root. */
  readonly rootless: boolean;
}

const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };

const works = (argv: readonly string[]): boolean =>
  spawnSync(argv[0] ?? "", argv.slice(1), { env, stdio: "ignore" }).status === 0;

export const findMountSupport = (): MountSupport => {
  if (process.platform !== "linux") {
    return { refusal: "volumes need Linux mount namespaces", rootless: false };
  }
  const mount = ["--mount", "--propagation", "private", "--", "/bin/sh", "-c"];
  const tryMount = "mount -t tmpfs gantry /mnt";
  if (process.getuid?.() === 0 && works(["unshare", ...mount, tryMount])) {
    return { refusal: null, rootless: false };
  }
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  const back = `${tryMount} && exec unshare --user --map-user=${uid} --map-group=${gid} true`;
  if (works(["unshare", "--user", "--map-root-user", ...mount, back])) {
    return { refusal: null, rootless: true };
  }
  const why = "neither root's nor a user's namespaces allow this worker to mount (unshare failed)";
  return { refusal: why, rootless: false };
};
