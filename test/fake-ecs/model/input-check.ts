// A middleware for the real clients in tests. The SDK drops unknown members silently and checks
// neither required ones nor types, so a misspelt field never reaches a server; this sees the
// command's input.
import { check } from "./check.ts";
import { readOperation } from "./schema.ts";
import { type ServiceName, services } from "./services.ts";
import { storedSnapshot } from "./snapshot.ts";

export class ModelViolation extends Error {
  readonly operation: string;
  readonly problems: readonly string[];

  constructor(operation: string, problems: readonly string[]) {
    super(`${operation}: ${problems.join("; ")}`);
    this.name = "ModelViolation";
    this.operation = operation;
    this.problems = problems;
  }
}

/** What of an SDK client is used here. */
export interface CheckedClient {
  readonly middlewareStack: {
    add(middleware: unknown, options: { step: "initialize"; name: string }): void;
  };
}

interface Arguments {
  readonly input: unknown;
}

type Next = (args: Arguments) => Promise<unknown>;

const snapshot = storedSnapshot();

/**
 * Makes every command of the client fail with a `ModelViolation`, before anything is sent, when its
 * input is not as the model says. `seen` is told of it as well, for callers that swallow errors.
 */
export const checkInputs = <C extends CheckedClient>(
  client: C,
  service: ServiceName,
  seen: (violation: ModelViolation) => void = () => {},
): C => {
  const middleware =
    (next: Next, context: { readonly commandName?: string }) =>
    async (args: Arguments): Promise<unknown> => {
      const operation = (context.commandName ?? "").replace(/Command$/, "");
      if (!services[service].operations.includes(operation)) {
        throw new ModelViolation(operation, ["the fake does not serve this operation"]);
      }
      const { input } = readOperation(services[service].exports, operation);
      const problems = check(args.input, input, snapshot[service], "client");
      if (problems.length > 0) {
        const violation = new ModelViolation(
          operation,
          problems.map(({ message }) => message),
        );
        seen(violation);
        throw violation;
      }
      return next(args);
    };
  client.middlewareStack.add(middleware, { step: "initialize", name: "inputCheck" });
  return client;
};
