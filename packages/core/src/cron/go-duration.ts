// Durations as Go's time.ParseDuration reads them, with its error texts (A4, A5).

const nanosecondsPer: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  "\u00b5s": 1e3, // micro sign
  "\u03bcs": 1e3, // Greek letter mu
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Go counts nanoseconds in 63 bits, about 292 years. */
const MAX_NANOSECONDS = 2n ** 63n;

export type ParsedDuration =
  | { readonly ok: true; readonly nanoseconds: bigint }
  | { readonly ok: false; readonly error: string };

/** Go's quote of package time: bytes outside printable ASCII as `\xNN`. */
function quote(text: string): string {
  const escaped = text.replace(/["\\]/g, "\\$&").replace(/[^ -~]/gu, (rune) => {
    const code = rune.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
    return encodeURIComponent(rune.replace(/\p{Cs}/u, "\ufffd"))
      .replaceAll("%", "\\x")
      .toLowerCase();
  });
  return `"${escaped}"`;
}

const failed = (problem: string, text: string): ParsedDuration => ({
  ok: false,
  error: `time: ${problem} ${quote(text)}`,
});

/** `[+-]?` and one or more `<number><unit>`, or a bare `0`. */
export function parseGoDuration(text: string): ParsedDuration {
  const negative = text.startsWith("-");
  let rest = /^[+-]/.test(text) ? text.slice(1) : text;
  if (rest === "0") return { ok: true, nanoseconds: 0n };
  if (rest === "") return failed("invalid duration", text);
  let total = 0n;
  while (rest !== "") {
    const match = /^(\d*)(?:\.(\d*))?([^.\d]*)/.exec(rest);
    const [whole = "", integer = "", fraction = "", unit = ""] = match ?? [];
    if (integer === "" && fraction === "") return failed("invalid duration", text);
    if (unit === "") return failed("missing unit in duration", text);
    const scale = nanosecondsPer[unit];
    if (scale === undefined) return failed(`unknown unit ${quote(unit)} in duration`, text);
    total += BigInt(integer || "0") * BigInt(scale);
    total += BigInt(Math.trunc(Number(`0.${fraction || "0"}`) * scale));
    if (total > MAX_NANOSECONDS) return failed("invalid duration", text);
    rest = rest.slice(whole.length);
  }
  if (negative) return { ok: true, nanoseconds: -total };
  if (total === MAX_NANOSECONDS) return failed("invalid duration", text);
  return { ok: true, nanoseconds: total };
}
