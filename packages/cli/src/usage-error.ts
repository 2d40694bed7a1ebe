// An error that is the caller's to mend: its message is the whole output, without a stack.

export class UsageError extends Error {
  override name = "UsageError";
}
