// Errors of the Docker Engine's API.

interface EngineError {
  readonly statusCode?: number;
  readonly json?: { readonly message?: string };
  readonly message?: string;
}

export const statusOf = (error: unknown): number | undefined => (error as EngineError).statusCode;

export const isMissing = (error: unknown): boolean => statusOf(error) === 404;

/** The engine's own words, without the client's. */
export const engineMessage = (error: unknown): string => {
  const { json, message } = error as EngineError;
  return (
    json?.message ?? message?.replace(/^\(HTTP code \d+\) [^-]*- /, "").trim() ?? String(error)
  );
};

/** For removals: what is gone, or is going already, needs no more. */
export const unlessGone = async (removal: Promise<unknown>): Promise<void> => {
  try {
    await removal;
  } catch (error) {
    if (!isMissing(error) && statusOf(error) !== 409) throw error;
  }
};
