// `$(VAR)` expansion in env values, command and args, as Kubernetes does it (job-spec.md section 6).

/** `$(NAME)` becomes the value; `$$` is a plain `$`; what is unknown or unclosed stays as written. */
export const expand = (text: string, variables: ReadonlyMap<string, string>): string =>
  text.replace(/\$(?:\$|\(([^)]*)\))/g, (written, name: string | undefined) => {
    if (name === undefined) return "$";
    return variables.get(name) ?? written;
  });
