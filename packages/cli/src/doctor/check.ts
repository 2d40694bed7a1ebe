// One line of `gantry doctor`: what was looked at, what was found, and what to do about it.

export type Level = "ok" | "warn" | "fail";

export interface Check {
  readonly name: string;
  readonly level: Level;
  readonly found: string;
  /** What to do; for everything that is not ok. */
  readonly advice?: string;
}

export const ok = (name: string, found: string): Check => ({ name, level: "ok", found });

export const warn = (name: string, found: string, advice: string): Check => ({
  name,
  level: "warn",
  found,
  advice,
});

export const fail = (name: string, found: string, advice: string): Check => ({
  name,
  level: "fail",
  found,
  advice,
});

const labels: Readonly<Record<Level, string>> = { ok: "ok  ", warn: "warn", fail: "FAIL" };

export const checkLine = ({ name, level, found, advice }: Check): string =>
  `${labels[level]}  ${name}: ${found}${advice === undefined ? "" : `: ${advice}`}`;

/** 0 all is well, 1 something should be looked at, 2 something is wrong. */
export const exitCode = (checks: readonly Check[]): 0 | 1 | 2 => {
  if (checks.some(({ level }) => level === "fail")) return 2;
  return checks.some(({ level }) => level === "warn") ? 1 : 0;
};

/** A value against two limits. */
export const graded = (
  name: string,
  value: number,
  [warnAt, failAt]: readonly [number, number],
  found: string,
  advice: string,
): Check => {
  if (value >= failAt) return fail(name, found, advice);
  return value >= warnAt ? warn(name, found, advice) : ok(name, found);
};
