// Walks JSON text: duplicate keys (which JSON.parse swallows) and syntax errors in Go's words.

export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
}

/** Deeper JSON can only be hostile; Kubernetes stops at 10000, its objects nest about 20. */
export const maxJsonDepth = 200;
/** Duplicates reported at most; the first ones tell enough. */
const maxDuplicates = 100;

interface Frame {
  readonly keys: Set<string> | undefined;
  /** Current key or index, for the path. */
  at: string | number;
}

const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9;

const QUOTE = 34;

/** Neither the end of a string, nor an escape, nor a control character. Not a number at the end. */
const isPlain = (code: number): boolean => code >= 32 && code !== QUOTE && code !== 92;

function quoteRune(rune: string): string {
  if (rune === "'") return "'\\''";
  if (rune === '"') return "'\"'";
  const escaped = JSON.stringify(rune).slice(1, -1);
  return `'${escaped}'`;
}

const literals: Readonly<Record<string, string>> = { t: "true", f: "false", n: "null" };
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

class Scanner {
  readonly duplicates: string[] = [];
  readonly #text: string;
  readonly #frames: Frame[] = [];
  #i = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): void {
    this.#value();
    this.#space();
    if (this.#i < this.#text.length) this.#fail("after top-level value");
  }

  #fail(where: string): never {
    const code = this.#text.codePointAt(this.#i);
    if (code === undefined) throw new JsonSyntaxError("unexpected end of JSON input");
    throw new JsonSyntaxError(
      `invalid character ${quoteRune(String.fromCodePoint(code))} ${where}`,
    );
  }

  #space(): void {
    while (isSpace(this.#text.charCodeAt(this.#i))) this.#i += 1;
  }

  #value(): void {
    this.#space();
    const next = this.#text[this.#i] ?? "";
    if (next === "{") this.#nested(new Set());
    else if (next === "[") this.#nested(undefined);
    else if (next === '"') this.#string();
    else if (literals[next] !== undefined) this.#literal(literals[next] ?? "");
    else this.#number();
  }

  #literal(word: string): void {
    for (let k = 0; k < word.length; k += 1) {
      if (this.#text[this.#i] !== word[k]) {
        this.#fail(`in literal ${word} (expecting ${quoteRune(word[k] ?? "")})`);
      }
      this.#i += 1;
    }
  }

  #number(): void {
    number.lastIndex = this.#i;
    if (number.test(this.#text)) {
      this.#i = number.lastIndex;
      return;
    }
    if (this.#text[this.#i] !== "-") this.#fail("looking for beginning of value");
    this.#i += 1;
    this.#fail("in numeric literal");
  }

  #string(): string {
    const start = this.#i;
    this.#i += 1;
    for (;;) {
      while (isPlain(this.#text.charCodeAt(this.#i))) this.#i += 1;
      const stop = this.#text[this.#i];
      if (stop === '"') break;
      if (stop !== "\\") this.#fail("in string literal");
      this.#escape();
    }
    this.#i += 1;
    const raw = this.#text.slice(start, this.#i);
    return raw.includes("\\") ? (JSON.parse(raw) as string) : raw.slice(1, -1);
  }

  #escape(): void {
    this.#i += 1;
    const kind = this.#text[this.#i] ?? "";
    if (kind === "" || !'"\\/bfnrtu'.includes(kind)) this.#fail("in string escape code");
    this.#i += 1;
    if (kind !== "u") return;
    for (let k = 0; k < 4; k += 1) {
      if (!/^[0-9a-fA-F]$/.test(this.#text[this.#i] ?? "")) {
        this.#fail("in \\u hexadecimal character escape");
      }
      this.#i += 1;
    }
  }

  #nested(keys: Set<string> | undefined): void {
    if (this.#frames.length >= maxJsonDepth) throw new JsonSyntaxError("exceeded max depth");
    const close = keys === undefined ? "]" : "}";
    const frame: Frame = { keys, at: 0 };
    this.#frames.push(frame);
    this.#i += 1;
    this.#space();
    if (this.#text[this.#i] === close) this.#i += 1;
    else this.#items(frame, close);
    this.#frames.pop();
  }

  #items(frame: Frame, close: string): void {
    for (let index = 0; ; index += 1) {
      if (frame.keys === undefined) frame.at = index;
      else this.#key(frame, frame.keys);
      this.#value();
      this.#space();
      const next = this.#text[this.#i];
      if (next !== "," && next !== close) {
        this.#fail(
          frame.keys === undefined ? "after array element" : "after object key:value pair",
        );
      }
      this.#i += 1;
      if (next === close) return;
    }
  }

  #key(frame: Frame, keys: Set<string>): void {
    this.#space();
    if (this.#text[this.#i] !== '"') this.#fail("looking for beginning of object key string");
    const key = this.#string();
    frame.at = key;
    if (keys.has(key)) {
      const path = this.#path();
      if (this.duplicates.length < maxDuplicates && !this.duplicates.includes(path)) {
        this.duplicates.push(path);
      }
    }
    keys.add(key);
    this.#space();
    if (this.#text[this.#i] !== ":") this.#fail("after object key");
    this.#i += 1;
  }

  #path(): string {
    let path = "";
    for (const { at } of this.#frames) {
      if (typeof at === "number") path += `[${at}]`;
      else path += path === "" ? at : `.${at}`;
    }
    return path;
  }
}

/** Paths of keys that stand more than once in their object. Throws JsonSyntaxError in Go's words. */
export function duplicateKeys(text: string): string[] {
  const scanner = new Scanner(text);
  scanner.run();
  return scanner.duplicates;
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Keys of all objects of a parsed text; `undefined` for one that is nested too deeply. */
function countKeys(value: object, depth: number): number | undefined {
  if (depth >= maxJsonDepth) return undefined;
  const isArray = Array.isArray(value);
  const items: readonly unknown[] = isArray ? value : Object.values(value);
  let keys = isArray ? 0 : items.length;
  for (const item of items) {
    if (!isObject(item)) continue;
    const below = countKeys(item, depth + 1);
    if (below === undefined) return undefined;
    keys += below;
  }
  return keys;
}

/** Colons that follow a quote: those after keys, and perhaps some within strings. */
function countColons(text: string): number {
  let colons = 0;
  for (let at = text.indexOf(":"); at >= 0; at = text.indexOf(":", at + 1)) {
    let before = at - 1;
    while (isSpace(text.charCodeAt(before))) before -= 1;
    if (text.charCodeAt(before) === QUOTE) colons += 1;
  }
  return colons;
}

/** Whether as many keys were parsed as the text can have; most texts show that at once. */
const surelyUnique = (text: string, value: unknown): boolean =>
  isObject(value) && countKeys(value, 0) === countColons(text);

/** Parsed JSON and its duplicate keys (the last one wins). Throws JsonSyntaxError in Go's words. */
export function parseJsonStrict(text: string): { value: unknown; duplicates: string[] } {
  const value = parseJson(text);
  return { value, duplicates: surelyUnique(text, value) ? [] : duplicateKeys(text) };
}

/** Parsed JSON. Throws JsonSyntaxError in Go's words. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    duplicateKeys(text);
    throw new JsonSyntaxError(error instanceof Error ? error.message : String(error));
  }
}
