// The recordings of a real API server that golden tests compare with; they are not part of the tree.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface Exchange {
  readonly n: number;
  readonly label: string;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly accept?: string;
    readonly contentType?: string;
    readonly body?: unknown;
    readonly bodyBase64?: string;
  };
  readonly response: {
    readonly status: number;
    readonly contentType?: string;
    readonly body?: unknown;
    readonly bodyBase64?: string;
  };
}

const directory = fileURLToPath(new URL("../../../../shared/wire/", import.meta.url));

/** Why golden tests are skipped; `undefined` when the recordings are there. */
export const recordingsMissing = existsSync(`${directory}exchanges-kubectl-1.32.jsonl`)
  ? undefined
  : "the recordings of a real API server are not beside this checkout";

export const exchanges = (file: string): Exchange[] =>
  readFileSync(`${directory}${file}`, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Exchange);

/** A recorded JSON body, parsed. */
export const bodyOf = (exchange: Exchange): unknown => {
  const { body } = exchange.response;
  return typeof body === "string" ? (JSON.parse(body) as unknown) : body;
};
