// A reason to refuse or to warn about a Pod, with its place.

export interface Located {
  /** Path below the Pod spec. */
  readonly path: string;
  readonly message: string;
}
