// Parses label selectors of the query string (`a=b,c in (d,e),!f`), with Kubernetes' error texts.
import { badRequest } from "./errors.ts";
import { aggregateText, invalid } from "./field-error.ts";
import type { FieldErrors } from "./field-error.ts";
import { sortRequirements } from "./label-selector.ts";
import type { LabelOperator, LabelRequirement, ParsedLabelSelector } from "./label-selector.ts";
import { isLabelValue, isQualifiedName } from "./name-rules.ts";

type TokenKind =
  | "identifier"
  | "in"
  | "notin"
  | "("
  | ")"
  | ","
  | "!"
  | "="
  | "=="
  | "!="
  | ">"
  | "<"
  | "end";

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

/** A selector that doesn't parse; the message is Kubernetes' own. */
class SelectorError extends Error {}

const end: Token = { kind: "end", text: "" };
const lexeme = /\s*(?:(==|!=|[=!<>(),])|([^\s=!<>(),]+))/y;
const keywords: ReadonlySet<string> = new Set(["in", "notin"]);

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  lexeme.lastIndex = 0;
  for (let match = lexeme.exec(text); match !== null; match = lexeme.exec(text)) {
    const [, symbol, word = ""] = match;
    if (symbol !== undefined) tokens.push({ kind: symbol as TokenKind, text: symbol });
    else tokens.push({ kind: keywords.has(word) ? (word as TokenKind) : "identifier", text: word });
  }
  return tokens;
}

/** Where a value is expected, `in` and `notin` are words like any other. */
const asValue = (token: Token): Token =>
  keywords.has(token.kind) ? { kind: "identifier", text: token.text } : token;

const operators: ReadonlyMap<TokenKind, LabelOperator> = new Map([
  ["in", "in"],
  ["notin", "notin"],
  ["=", "="],
  ["==", "=="],
  ["!=", "!="],
  [">", "gt"],
  ["<", "lt"],
]);
const operatorNames = "in, notin, =, ==, !=, gt, lt";

/** Kubernetes gives such errors no path, and prints that as Go prints nil. */
function checkKey(key: string): void {
  const messages = isQualifiedName(key);
  if (messages.length === 0) return;
  throw new SelectorError(aggregateText([invalid("<nil>", key, messages.join("; "))]));
}

function checkValues(key: string, operator: LabelOperator, values: readonly string[]): void {
  const errors: FieldErrors = [];
  for (const [i, value] of values.entries()) {
    const numeric = operator === "gt" || operator === "lt";
    if (numeric && !/^[+-]?[0-9]+$/.test(value)) {
      const detail = "for 'Gt', 'Lt' operators, the value must be an integer";
      errors.push(invalid(`values[${i}]`, value, detail));
    }
    const messages = isLabelValue(value);
    if (messages.length > 0) {
      errors.push(invalid(`values[${i}][${key}]`, value, messages.join("; ")));
    }
  }
  if (errors.length > 0) throw new SelectorError(aggregateText(errors));
}

class SelectorParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  parse(): ParsedLabelSelector {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const { kind, text } = this.#peek();
      if (kind === "end") return requirements;
      if (kind !== "identifier" && kind !== "!") {
        throw new SelectorError(`found '${text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#wrapped());
      const next = this.#take();
      if (next.kind === "end") return requirements;
      if (next.kind !== ",") {
        throw new SelectorError(`found '${next.text}', expected: ',' or 'end of string'`);
      }
      const after = this.#peek();
      if (after.kind !== "identifier" && after.kind !== "!") {
        throw new SelectorError(`found '${after.text}', expected: identifier after ','`);
      }
    }
  }

  #peek(): Token {
    return asValue(this.#tokens[this.#at] ?? end);
  }

  #take(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #wrapped(): LabelRequirement {
    try {
      return this.#requirement();
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error;
      throw new SelectorError(`unable to parse requirement: ${error.message}`);
    }
  }

  #requirement(): LabelRequirement {
    const negated = this.#peek().kind === "!";
    if (negated) this.#at += 1;
    const { kind, text: key } = this.#take();
    if (kind !== "identifier") throw new SelectorError(`found '${key}', expected: identifier`);
    checkKey(key);
    if (negated) return { key, operator: "!", values: [] };
    const next = this.#peek().kind;
    if (next === "end" || next === ",") return { key, operator: "exists", values: [] };
    const token = this.#tokens[this.#at] ?? end;
    this.#at += 1;
    const operator = operators.get(token.kind);
    if (operator === undefined) {
      throw new SelectorError(`found '${token.text}', expected: ${operatorNames}`);
    }
    const set = operator === "in" || operator === "notin";
    const values = set ? this.#set() : [this.#exact()];
    checkValues(key, operator, values);
    return { key, operator, values };
  }

  #exact(): string {
    const next = this.#peek();
    if (next.kind === "end" || next.kind === ",") return "";
    this.#at += 1;
    if (next.kind === "identifier") return next.text;
    throw new SelectorError(`found '${next.text}', expected: identifier`);
  }

  #set(): string[] {
    const open = this.#take();
    if (open.kind !== "(") throw new SelectorError(`found '${open.text}' expected: '('`);
    const values = new Set<string>();
    // An empty place between commas or brackets is the empty value.
    let wantsValue = true;
    for (;;) {
      const { kind, text } = this.#take();
      if (kind === "identifier" && wantsValue) {
        values.add(text);
        wantsValue = false;
      } else if (kind === "," || kind === ")") {
        if (wantsValue) values.add("");
        if (kind === ")") return [...values].toSorted();
        wantsValue = true;
      } else {
        const expected = wantsValue ? "',', ')' or identifier" : "',' or ')'";
        throw new SelectorError(`found '${text}', expected: ${expected}`);
      }
    }
  }
}

/** Throws ApiError 400. An empty text selects everything. */
export function parseLabelSelector(text: string): ParsedLabelSelector {
  try {
    return sortRequirements(new SelectorParser(text).parse());
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}
