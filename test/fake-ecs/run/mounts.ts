// Gives a local process the volumes of its container: a mount namespace with a root of its own.

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * `$R` becomes a root with everything of the host bound into it. A mount point that the host lacks
 * is made after its nearest existing directory was covered by a tmpfs that has all its entries
 * bound.
 */
const functions = `
fail() { echo "$1" >&3; exit 128; }
bind_all() {
  for e in "$1"/* "$1"/.[!.]*; do
    n=\${e##*/}
    if [ -L "$e" ]; then cp -P "$e" "$2/$n"
    elif [ -d "$e" ]; then mkdir "$2/$n" && mount --rbind "$e" "$2/$n"
    elif [ -e "$e" ]; then : > "$2/$n" && mount --bind "$e" "$2/$n"
    fi
  done 2>/dev/null
}
cover() {
  N=$((N + 1)); mkdir "$T/$N"
  mount --rbind "$R$1" "$T/$N" || fail "mounting below $1 failed"
  mount -t tmpfs -o "mode=$(stat -c %a "$R$1")" fake "$R$1" || fail "mounting below $1 failed"
  bind_all "$T/$N" "$R$1"
  M="$M $1 "
}
place() {
  if [ ! -d "$R$2" ]; then
    d=\${2%/*}
    while [ -n "$d" ] && [ ! -d "$R$d" ]; do d=\${d%/*}; done
    case "$M" in *" $d "*) ;; *) [ -z "$d" ] || cover "$d" ;; esac
    mkdir -p "$R$2" || fail "making $2 failed"
  fi
  mount --rbind "$1" "$R$2" || fail "mounting $2 failed"
  [ "$3" = rw ] || mount -o remount,bind,ro "$R$2" || fail "mounting $2 read-only failed"
}
`;

export interface MountedProgram {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly user: string | undefined;
  readonly mounts: readonly Mount[];
  /** An empty directory. */
  readonly scratch: string;
}

/**
 * The argv that runs the program with its mounts. File descriptor 3 receives what went wrong before
 * the program could run, and is closed when it runs.
 */
export const mountedArgv = (program: MountedProgram): string[] => {
  const { argv, cwd, user, scratch } = program;
  // Outermost first, so that a mount within another is not covered by it.
  const mounts = program.mounts.toSorted((a, b) => a.target.length - b.target.length);
  const places = mounts.map(
    ({ source, target, readOnly }) =>
      `place ${quoted(source)} ${quoted(target.replace(/(.)\/+$/, "$1"))} ${readOnly ? "ro" : "rw"}`,
  );
  const userOption = user === undefined ? "" : `--userspec ${quoted(user)}`;
  const inner = 'cd -- "$0" && exec "$@" 3>&-';
  const script = [
    functions,
    `P=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; N=0; M=" "`,
    `mount -t tmpfs -o mode=755 fake ${quoted(scratch)} || fail "mounting failed"`,
    `R=${quoted(`${scratch}/root`)}; T=${quoted(`${scratch}/below`)}; mkdir "$R" "$T"`,
    `mount -t tmpfs -o mode=755 fake "$R" || fail "mounting failed"`,
    `bind_all "" "$R"`,
    ...places,
    `[ -d "$R"${quoted(cwd)} ] || fail ${quoted(`working directory ${cwd} does not exist`)}`,
    `PATH=$P; command -v -- "$1" >/dev/null || fail "exec: $1: executable file not found in \\$PATH"`,
    `C=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v chroot)`,
    `exec "$C" ${userOption} "$R" /bin/sh -c ${quoted(inner)} ${quoted(cwd)} "$@"`,
  ];
  const namespace = ["unshare", "--mount", "--propagation", "private", "--"];
  return [...namespace, "/bin/sh", "-c", script.join("\n"), "sh", ...argv];
};
