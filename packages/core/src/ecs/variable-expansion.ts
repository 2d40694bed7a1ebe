// `$(VAR)` expansion that knows which of its results differ from Pod to Pod of one Job.

export interface Variable {
  readonly value: string;
  /** The value is this Pod's own: its name, uid, labels, index... */
  readonly perPod: boolean;
}

/** `$(NAME)` becomes the value; `$$` is a plain `$`; what is unknown or unclosed stays as written. */
export function expandVariables(text: string, variables: ReadonlyMap<string, Variable>): Variable {
  let perPod = false;
  const value = text.replace(/\$(?:\$|\(([^)]*)\))/g, (written, name: string | undefined) => {
    if (name === undefined) return "$";
    const variable = variables.get(name);
    if (variable === undefined) return written;
    perPod ||= variable.perPod;
    return variable.value;
  });
  return { value, perPod };
}

/** Names that a text refers to. */
export const referredVariables = (text: string): string[] =>
  [...text.matchAll(/\$(?:\$|\(([^)]*)\))/g)].flatMap(([, name]) =>
    name === undefined ? [] : [name],
  );
