// `gantry get`: objects as the server's table, or whole as JSON or YAML.
import { type ApiObject, type Gantry, lines, pathOf, type Resource } from "@gantry/sdk";
import { stringify } from "yaml";
import { type ClientOptions, connectClient } from "../client.ts";
import { parseTargets, type Target } from "../kinds.ts";
import { formatTable, type Table, TableWriter } from "../output/table.ts";
import { UsageError } from "../usage-error.ts";

export interface GetOptions extends ClientOptions {
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly output?: string;
  readonly watch?: boolean;
  readonly headers: boolean;
}

const FORMATS = ["json", "yaml", "name", "wide"];
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

export async function get(words: readonly string[], options: GetOptions): Promise<void> {
  const { output } = options;
  if (output !== undefined && !FORMATS.includes(output)) {
    throw new UsageError(`-o ${output}: there are ${FORMATS.join(", ")}`);
  }
  const targets = parseTargets(words);
  const client = connectClient(options);
  try {
    if (options.watch === true) return await watchTable(client, targets, options);
    if (output === "json" || output === "yaml" || output === "name") {
      return await printObjects(client, targets, options, output);
    }
    const several = new Set(targets.map(({ kind }) => kind.kind)).size > 1;
    let rows = 0;
    for (const [resource, group] of grouped(targets)) {
      const table = await tableOf(client, resource, group, options);
      if (table.rows.length === 0) continue;
      if (rows > 0) console.log("");
      rows += table.rows.length;
      const prefix = several ? `${resource.plural}/` : "";
      process.stdout.write(formatTable(table, style(options, prefix)));
    }
    if (rows === 0) console.error(`No resources found${inWhere(client, options)}`);
  } finally {
    client.close();
  }
}

const inWhere = (client: Gantry, options: GetOptions): string =>
  options.allNamespaces === true ? "" : ` in ${client.namespace} namespace.`;

const style = (options: GetOptions, prefix = "") => ({
  wide: options.output === "wide",
  namespaces: options.allNamespaces === true,
  headers: options.headers,
  prefix,
});

function grouped(targets: readonly Target[]): Map<Target["kind"], Target[]> {
  const groups = new Map<Target["kind"], Target[]>();
  for (const target of targets)
    groups.set(target.kind, [...(groups.get(target.kind) ?? []), target]);
  return groups;
}

/** One request for a list; one each for names, joined. */
async function tableOf(
  client: Gantry,
  resource: Resource,
  targets: readonly Target[],
  options: GetOptions,
): Promise<Table> {
  const tables: Table[] = [];
  for (const { name } of targets) {
    const { body } = await client.connection.request<Table>({
      method: "GET",
      path: collection(client, resource, options, name),
      query: name === undefined ? selectors(options) : {},
      accept: TABLE,
    });
    tables.push(body);
  }
  const columnDefinitions = tables[0]?.columnDefinitions ?? [];
  return { columnDefinitions, rows: tables.flatMap((table) => table.rows) };
}

function collection(
  client: Gantry,
  resource: Resource,
  options: GetOptions,
  name?: string,
): string {
  if (options.allNamespaces === true && name !== undefined) {
    throw new UsageError("a name is looked up in one namespace: leave out -A");
  }
  return pathOf(resource, options.allNamespaces === true ? undefined : client.namespace, name);
}

const selectors = (options: GetOptions) => ({
  labelSelector: options.selector,
  fieldSelector: options.fieldSelector,
});

async function printObjects(
  client: Gantry,
  targets: readonly Target[],
  options: GetOptions,
  output: "json" | "yaml" | "name",
): Promise<void> {
  const items: ApiObject[] = [];
  for (const { kind, name } of targets) {
    const resource = client.resource(kind);
    if (name !== undefined) {
      collection(client, kind, options, name);
      items.push(await resource.get(name));
      continue;
    }
    const namespace = options.allNamespaces === true ? null : undefined;
    const listed = await resource.list({ ...selectors(options), namespace });
    items.push(...listed.items);
  }
  if (output === "name") {
    items.forEach((item, index) => {
      const kind = (targets[index] ?? targets[0])?.kind;
      console.log(`${qualifiedName(item, kind)}/${item.metadata?.name}`);
    });
    return;
  }
  const single = targets.length === 1 && targets[0]?.name !== undefined;
  const value = single
    ? items[0]
    : { apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } };
  process.stdout.write(
    output === "json" ? `${JSON.stringify(value, null, 4)}\n` : stringify(value, YAML),
  );
}

/** Long lines stay whole, as kubectl writes them. */
const YAML = { lineWidth: 0, aliasDuplicateObjects: false };

function qualifiedName(item: ApiObject, kind: Target["kind"] | undefined): string {
  const group = item.apiVersion?.includes("/") ? `.${item.apiVersion.split("/")[0]}` : "";
  return item.kind === undefined ? (kind?.qualified ?? "") : `${item.kind.toLowerCase()}${group}`;
}

/** Prints the list, then a row a change, until it is interrupted. */
async function watchTable(
  client: Gantry,
  targets: readonly Target[],
  options: GetOptions,
): Promise<void> {
  const [target] = targets;
  if (target === undefined || targets.length > 1)
    throw new UsageError("-w watches one kind or object");
  const fieldSelector =
    target.name === undefined ? options.fieldSelector : `metadata.name=${target.name}`;
  const query = { labelSelector: options.selector, fieldSelector };
  const path = collection(client, target.kind, options);
  const writer = new TableWriter((text) => process.stdout.write(text), style(options));
  const { body } = await client.connection.request<Table>({
    method: "GET",
    path,
    query,
    accept: TABLE,
  });
  writer.add(body);
  let resourceVersion = body.metadata?.resourceVersion;
  for (;;) {
    const response = await client.connection.stream({
      method: "GET",
      path,
      accept: TABLE,
      query: { ...query, watch: true, resourceVersion },
    });
    for await (const line of lines(response)) {
      const event = JSON.parse(line.toString("utf8")) as { type: string; object: Table };
      if (event.type === "ERROR") throw new Error("the watch expired; start it again");
      resourceVersion =
        event.object.rows.at(-1)?.object?.metadata?.resourceVersion ?? resourceVersion;
      if (event.type !== "BOOKMARK") writer.add(event.object);
    }
  }
}
