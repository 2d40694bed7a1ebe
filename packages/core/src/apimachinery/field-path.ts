// Path of a field in an object as error messages name it: `spec.rules[0].labels[key]` (E6).

/** Immutable; rendered when asked for, so building one on the happy path costs little. */
export class FieldPath {
  readonly #parent: FieldPath | undefined;
  readonly #segment: string;

  constructor(segment: string, parent?: FieldPath) {
    this.#segment = segment;
    this.#parent = parent;
  }

  /** A field, or several nested ones: `path.child("template", "spec")`. */
  child(name: string, ...more: readonly string[]): FieldPath {
    let path = new FieldPath(this.#isRoot() ? name : `.${name}`, this);
    for (const next of more) path = new FieldPath(`.${next}`, path);
    return path;
  }

  /** An item of a list: `[0]`. */
  index(i: number): FieldPath {
    return new FieldPath(`[${i}]`, this);
  }

  /** An entry of a map: `[key]`. */
  key(key: string): FieldPath {
    return new FieldPath(`[${key}]`, this);
  }

  toString(): string {
    return this.#parent === undefined
      ? this.#segment
      : `${this.#parent.toString()}${this.#segment}`;
  }

  #isRoot(): boolean {
    return this.#parent === undefined && this.#segment === "";
  }
}

/** `fieldPath("spec", "template")`; without names the object itself. */
export function fieldPath(...names: readonly string[]): FieldPath {
  return new FieldPath(names.join("."));
}
