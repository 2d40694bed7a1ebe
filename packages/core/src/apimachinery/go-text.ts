// Text as Go prints it (%q, json.Marshal, len): error messages must read like Kubernetes' own.

const shortEscapes: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

const plain = /^[ !#-[\]-~]*$/;
/** What Go's unicode.IsPrint refuses: everything but letters, marks, numbers, punctuation, symbols, space. */
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

function escapeRune(rune: string): string {
  const short = shortEscapes[rune];
  if (short !== undefined) return short;
  if (!unprintable.test(rune)) return rune;
  const code = rune.codePointAt(0) ?? 0;
  // A lone surrogate can't exist in a Go string: it arrives there as U+FFFD, which is printable.
  if (code >= 0xd800 && code <= 0xdfff) return "\uFFFD";
  const hex = code.toString(16);
  if (code < 0x80) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** Go's `%q` of a string. */
export function goQuote(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  let quoted = '"';
  for (const rune of text) quoted += escapeRune(rune);
  return `${quoted}"`;
}

/** Go's json.Marshal: compact JSON in which `<`, `>`, `&` and line separators are escaped. */
export function goJson(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  return text.replace(
    /[<>&\u2028\u2029]/g,
    (rune) => `\\u${(rune.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

/** Go's len of a string: its bytes in UTF-8. */
export function byteLength(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length) {
      const low = text.charCodeAt(i + 1);
      if (low >= 0xdc00 && low < 0xe000) {
        bytes += 4;
        i += 1;
      } else bytes += 3;
    } else bytes += 3;
  }
  return bytes;
}
