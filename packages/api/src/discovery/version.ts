// GET /version: which Kubernetes this API is like, and which Gantry serves it.

export interface GantryVersion {
  /** Gantry's own, e.g. `0.1.0`. */
  readonly version: string;
  readonly commit?: string;
  /** RFC 3339. */
  readonly buildDate?: string;
}

/** The release whose API is followed. */
const KUBERNETES = { major: 1, minor: 36, patch: 2 } as const;

/** Go's names of what Node calls its platforms and architectures. */
const goArchitectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
const goPlatforms: Readonly<Record<string, string>> = { win32: "windows" };

export const versionBody = (gantry: GantryVersion): object => ({
  major: `${KUBERNETES.major}`,
  minor: `${KUBERNETES.minor}`,
  emulationMajor: `${KUBERNETES.major}`,
  emulationMinor: `${KUBERNETES.minor}`,
  minCompatibilityMajor: `${KUBERNETES.major}`,
  minCompatibilityMinor: `${KUBERNETES.minor - 1}`,
  gitVersion:
    `v${KUBERNETES.major}.${KUBERNETES.minor}.${KUBERNETES.patch}` + `+gantry.${gantry.version}`,
  gitCommit: gantry.commit ?? "",
  gitTreeState: gantry.commit === undefined ? "" : "clean",
  buildDate: gantry.buildDate ?? "1970-01-01T00:00:00Z",
  // Clients print it; there is no Go here.
  goVersion: `node${process.versions.node}`,
  compiler: "node",
  platform:
    `${goPlatforms[process.platform] ?? process.platform}/` +
    (goArchitectures[process.arch] ?? process.arch),
});
