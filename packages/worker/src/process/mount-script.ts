// The shell script that gives a container its mounts in a private mount namespace, then becomes it.
import type { MountPlan } from "../pod/volumes.ts";
import type { ContainerPlan } from "./pod-plan.ts";

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * A mount point that does not exist can't be made on the host. `shadow DIR` covers the nearest
 * directory that exists with a tmpfs that has all its entries bound again, so that there is a place
 * to make it in; `/` itself is rebuilt the same way below $S/root and entered with pivot_root.
 */
const shadowing = `
fail() { echo "$1" >&9; exit 128; }
again() {
  for e in "$1"/* "$1"/.[!.]*; do
    n=\${e##*/}
    [ "$1/$n" = /proc/sys/fs/binfmt_misc ] && continue
    if [ -L "$1/$n" ]; then cp -P "$1/$n" "$2/$n"
    elif [ -d "$1/$n" ]; then mkdir "$2/$n" && mount --rbind "$1/$n" "$2/$n" || rmdir "$2/$n"
    elif [ -e "$1/$n" ]; then : > "$2/$n" && mount --bind "$1/$n" "$2/$n"
    fi
  done 2>/dev/null
}
shadow() {
  if [ "$1" = / ]; then
    mkdir -p "$S/root" && mount -t tmpfs -o mode=755 gantry "$S/root" || fail "mounting a root: failed"
    R=$S/root
    again "" "$R"
  else
    N=$((\${N:-0} + 1))
    mkdir -p "$S/$N" && mount --rbind "$R$1" "$S/$N" || fail "mounting below $1 failed"
    mount -t tmpfs -o mode=755 gantry "$R$1" || fail "mounting below $1 failed"
    again "$S/$N" "$R$1"
  fi
}
point() {
  if [ ! -e "$R$2" ]; then
    d=\${2%/*}
    while [ -n "$d" ] && [ ! -d "$R$d" ]; do d=\${d%/*}; done
    case " $M " in *" \${d:-/} "*) ;; *) shadow "\${d:-/}"; M="$M \${d:-/}" ;; esac
    if [ -d "$1" ]; then mkdir -p "$R$2"; else mkdir -p "$R\${2%/*}"; : > "$R$2"; fi
  fi
  mount --rbind "$1" "$R$2" || fail "mounting $2 failed"
  if [ "$3" = ro ]; then
    mount -o remount,bind,ro "$R$2" || fail "mounting $2 read-only failed"
  fi
}
`;

const pivot = `
if [ -n "$R" ]; then
  cd "$R" && mkdir .gantry-old && pivot_root . .gantry-old || fail "entering the mounts failed"
  cd / && umount -l /.gantry-old && rmdir /.gantry-old
fi
`;

const become = (plan: ContainerPlan, rootless: boolean): string => {
  const { user } = plan;
  if (user !== undefined && !rootless) {
    const groups =
      user.groups.length === 0 ? "--clear-groups" : `--groups ${user.groups.join(",")}`;
    return `exec setpriv --reuid ${user.uid} --regid ${user.gid} ${groups} -- "$@" 9>&-`;
  }
  if (!rootless) return `exec "$@" 9>&-`;
  // The namespace that owns the mounts, where we are root, is left for one within it, where the
  // program is its own user again. Commands beside it get to the mounts through this descriptor.
  const open = `exec ${OWNER_DESCRIPTOR}</proc/self/ns/user; `;
  return `${open}exec ${ownUser().join(" ")} -- "$@" 9>&-`;
};

/** Of a container's process, in a worker without root: the user namespace that owns its mounts. */
const OWNER_DESCRIPTOR = 8;

const ownUser = (): string[] => {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  return ["unshare", "--user", `--map-user=${uid}`, `--map-group=${gid}`];
};

const mountLine = ({ source, target, readOnly }: MountPlan): string =>
  `point ${quoted(source)} ${quoted(target.replace(/(.)\/+$/, "$1"))} ${readOnly ? "ro" : "rw"}`;

/** Outermost first, so that a mount within another is not covered by it. */
const inOrder = (mounts: readonly MountPlan[]): readonly MountPlan[] =>
  mounts.toSorted((a, b) => a.target.split("/").length - b.target.split("/").length);

/**
 * The argv that runs `plan` with its mounts. What goes wrong before the program runs is written to
 * `errorFile` and ends with 128, as a container that could not start does.
 */
export const mountedArgv = (
  plan: ContainerPlan,
  rootless: boolean,
  scratch: string,
  errorFile: string,
): string[] => {
  const script = [
    `exec 9>${quoted(errorFile)}`,
    "P=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; R=; M=",
    `S=${quoted(scratch)}; mkdir -p "$S"; mount -t tmpfs gantry "$S" || fail "mounting failed"`,
    ...inOrder(plan.mounts ?? []).map(mountLine),
    pivot,
    "PATH=$P",
    `cd -- ${quoted(plan.cwd)} 2>/dev/null || fail ${quoted(`working directory ${plan.cwd} does not exist`)}`,
    `command -v -- "$1" >/dev/null || { echo "program:$1" >&9; exit 128; }`,
    become(plan, rootless),
  ].join("\n");
  const user = rootless ? ["--user", "--map-root-user"] : [];
  const unshare = ["unshare", ...user, "--mount", "--propagation", "private", "--"];
  return [...unshare, "/bin/sh", "-c", shadowing + script, "sh", ...plan.argv];
};

/** The argv that runs a command beside a container that has mounts of its own. */
export const enteredArgv = (
  plan: ContainerPlan,
  pid: number,
  rootless: boolean,
  argv: readonly string[],
): string[] => {
  const enter = ["nsenter", "-t", String(pid), "-m", "-r", "-w"];
  if (rootless) {
    const owner = `--user=/proc/${pid}/fd/${OWNER_DESCRIPTOR}`;
    return [...enter, owner, "--preserve-credentials", "--", ...ownUser(), "--", ...argv];
  }
  if (plan.user === undefined) return [...enter, "--", ...argv];
  const { uid, gid, groups } = plan.user;
  const listed = groups.length === 0 ? ["--clear-groups"] : ["--groups", groups.join(",")];
  const become = ["setpriv", "--reuid", String(uid), "--regid", String(gid), ...listed];
  return [...enter, "--", ...become, "--", ...argv];
};
