// What the clients' schemas lack and only their type declarations say: which values an enum has,
// which member is of which enum, and which errors an operation may answer with. `npm run fake-
// ecs:model` writes it to snapshot.json; a test compares the two.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { readOperation, type Structure, structuresIn } from "./schema.ts";
import { type Service, serviceNames, services, type ServiceName } from "./services.ts";

export interface ServiceSnapshot {
  readonly version: string;
  readonly enums: Readonly<Record<string, readonly string[]>>;
  /**
   * `Structure.member` to the name of its enum; of its elements' or its keys' for a list or a map.
   */
  readonly members: Readonly<Record<string, string>>;
  /** Modelled errors by operation. */
  readonly errors: Readonly<Record<string, readonly string[]>>;
}

export type Snapshot = Readonly<Record<ServiceName, ServiceSnapshot>>;

const require = createRequire(import.meta.url);

const enumsOf = (text: string): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const [, name = "", body = ""] of text.matchAll(
    /export declare const (\w+): \{([^}]*)\};/g,
  )) {
    found.set(
      name,
      [...body.matchAll(/: "([^"]*)";/g)].map((match) => match[1] ?? ""),
    );
  }
  return found;
};

/** `Structure.member` and the text of its type. */
const memberTypes = (text: string): Map<string, string> => {
  const found = new Map<string, string>();
  const interfaces = text.matchAll(/^export interface (\w+)[^{]*\{\n([\s\S]*?)^\}/gm);
  for (const [, name = "", body = ""] of interfaces) {
    for (const [, member = "", type = ""] of body.matchAll(/^ {4}(\w+)\??: ([^;]+);$/gm)) {
      found.set(`${name}.${member}`, type);
    }
  }
  return found;
};

const snapshotOf = (service: Service): ServiceSnapshot => {
  const root = dirname(dirname(require.resolve(service.packageName)));
  const read = (file: string): string => readFileSync(join(root, file), "utf8");
  const { version } = JSON.parse(read("package.json")) as { version: string };
  const known = enumsOf(read("dist-types/models/enums.d.ts"));
  const models = ["models_0", "models_1"].map((name) => {
    try {
      return read(`dist-types/models/${name}.d.ts`);
    } catch {
      return "";
    }
  });
  const types = memberTypes(models.join("\n"));
  const enums: Record<string, string[]> = {};
  const members: Record<string, string> = {};
  const errors: Record<string, string[]> = {};
  const structures = new Map<string, Structure>();
  for (const operation of service.operations) {
    const { input, output } = readOperation(service.exports, operation);
    structuresIn(input, structures);
    structuresIn(output, structures);
    const docs = read(`dist-types/commands/${operation}Command.d.ts`);
    errors[operation] = [...docs.matchAll(/@throws \{@link (\w+)\}/g)]
      .map((match) => match[1] ?? "")
      .filter((name) => !name.endsWith("ServiceException"))
      .toSorted();
  }
  for (const [name, { members: own }] of [...structures].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    for (const member of own.keys()) {
      const names = types.get(`${name}.${member}`)?.match(/\w+/g) ?? [];
      const enumName = names.find((word) => known.has(word));
      if (enumName === undefined) continue;
      members[`${name}.${member}`] = enumName;
      enums[enumName] = known.get(enumName) ?? [];
    }
  }
  return { version, enums, members, errors };
};

export const makeSnapshot = (): Snapshot =>
  Object.fromEntries(serviceNames.map((name) => [name, snapshotOf(services[name])])) as Snapshot;

/** Compiled, this file is in dist/, and the snapshot is not copied there. */
const file = new URL(
  import.meta.url.includes("/dist/model/") ? "../../model/snapshot.json" : "./snapshot.json",
  import.meta.url,
);

export const storedSnapshot = (): Snapshot => JSON.parse(readFileSync(file, "utf8")) as Snapshot;

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  writeFileSync(file, `${JSON.stringify(makeSnapshot(), null, 2)}\n`);
}
