// Whether the keys that the API was given are those of the Secrets that are stored.
import { sealingKey, type SecretBox, type Store } from "@gantry/store";

/** Secrets that are looked at in one request to the store. */
const PAGE = 200;

/** The Secrets are encrypted under keys that are not here. The message is for the operator. */
export class SecretsKeyMismatchError extends Error {
  override name = "SecretsKeyMismatchError";
}

const mismatch = (missing: readonly string[], box: SecretBox | undefined): Error => {
  const keys = missing.map((id) => `"${id}"`).join(", ");
  const here = box === undefined ? "there is no key file" : `the key file has only ${own(box)}`;
  const lost = missing.map((id) => `lost ${id}`).join("\\n");
  return new SecretsKeyMismatchError(
    `the Secrets in the store are encrypted under key ${keys}, and ${here}.\n` +
      "Start with the key file of this installation: secrets-key in the data directory it was " +
      "started with before, or the one that --secrets-key named; each api and worker needs it.\n" +
      `If that key is lost for good, add the line "${lost}" to the key file: those Secrets can ` +
      "then not be read, but listed, deleted and created again.",
  );
};

const own = (box: SecretBox): string => box.keyIds.map((id) => `"${id}"`).join(", ");

/**
 * Refuses to go on with keys that open none of the Secrets: with them, whatever is written from now on
 * could be read only by processes that have the same wrong file. One Secret under a key that is here
 * ends the search; single ones that can't be opened are told when they are read.
 */
export const checkSecretsKey = async (store: Store, box: SecretBox | undefined): Promise<void> => {
  const missing = new Set<string>();
  let after: string | undefined;
  do {
    const from: { after?: string } = after === undefined ? {} : { after };
    const page = await store.page("secrets", { limit: PAGE, ...from });
    for (const { value } of page.items) {
      if (box?.isOwn(value) === true) return;
      const id = box === undefined ? sealingKey(value) : box.missingKey(value);
      if (id !== null) missing.add(id);
    }
    after = page.more ? page.last : undefined;
  } while (after !== undefined);
  if (missing.size > 0) throw mismatch([...missing].toSorted(), box);
};
