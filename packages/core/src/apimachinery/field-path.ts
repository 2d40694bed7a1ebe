// Path of a field in an object as error messages name it: `spec.rules[0].labels[key]` (E6).

/** Immutable; rendered when asked for, so building one on the happy path costs little. */
export class FieldPath {
  readonly #parent: FieldPath | undefined;
  /** What stands before and after the name. */
  readonly #marks: "" | "." | "[]";
  readonly #name: string | number;

  constructor(name: string | number, marks: "" | "." | "[]" = "", parent?: FieldPath) {
    this.#parent = parent;
    this.#marks = marks;
    this.#name = name;
  }

  /** A field, or a nested one: `path.child("spec", "hostname")`. */
  child(name: string, nested?: string): FieldPath {
    const path = new FieldPath(name, ".", this);
    return nested === undefined ? path : new FieldPath(nested, ".", path);
  }

  /** An item of a list: `[0]`. */
  index(i: number): FieldPath {
    return new FieldPath(i, "[]", this);
  }

  /** An entry of a map: `[key]`. */
  key(key: string): FieldPath {
    return new FieldPath(key, "[]", this);
  }

  toString(): string {
    const before = this.#parent?.toString() ?? "";
    if (this.#marks === "[]") return `${before}[${this.#name}]`;
    return before === "" ? String(this.#name) : `${before}${this.#marks}${this.#name}`;
  }
}

/** `fieldPath("spec", "template")`; without names the object itself. */
export function fieldPath(...names: readonly string[]): FieldPath {
  return new FieldPath(names.join("."));
}
