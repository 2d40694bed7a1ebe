// The secret by which workers know that a request comes from an API server of their installation.
import { randomBytes } from "node:crypto";
import type { Store } from "@gantry/store";

const known = new WeakMap<Store, Promise<string>>();

export const workerSecret = (store: Store): Promise<string> => {
  let secret = known.get(store);
  if (secret === undefined) {
    secret = store.sharedSecret("worker", () => randomBytes(32).toString("base64url"));
    known.set(store, secret);
    // A failure is not remembered.
    secret.catch(() => known.delete(store));
  }
  return secret;
};
