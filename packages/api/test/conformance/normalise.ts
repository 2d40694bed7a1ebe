// Makes two answers to the same request comparable: takes out what differs by its nature.

const uid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const time = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z/g;

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** E5: Kubernetes shows an internal dump of a template that may not change. */
const dump = /Invalid value: \{.*?\}: field is immutable/g;
/** Of generated names. */
const suffix = /\b(gen)-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g;

const text = (value: string): string =>
  value
    .replace(uid, "<uid>")
    .replace(time, "<time>")
    .replace(dump, "Invalid value: <template>: field is immutable")
    .replace(suffix, "$1-<suffix>")
    .replace(/current: \d+/, "current: <revision>");

const distinct = (items: readonly unknown[]): unknown[] => {
  const seen = new Map(items.map((item) => [JSON.stringify(item), item]));
  return [...seen.values()];
};

/** Descriptions of columns are our own words; ages and durations pass. */
const tableOf = (table: Json): Json => ({
  kind: "Table",
  // An empty list of a kind that is only listed has no columns of its own.
  columns:
    (table["rows"] as Json[] | null | undefined)?.length === 0
      ? undefined
      : (table["columnDefinitions"] as Json[] | null)?.map(
          ({ description: _description, ...column }) => column,
        ),
  rows: (table["rows"] as Json[] | null | undefined)?.map(({ cells, object }) => {
    const name = (cells as unknown[])[0];
    return { name, cells: (cells as unknown[]).length, object: normalise(object) };
  }),
});

/**
 * Without resourceVersions, uids, times and managedFields. Status is that of controllers and
 * workers, which do not run in these tests; it is compared where a request wrote it.
 */
export const normalise = (value: unknown): unknown => {
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return value.map(normalise);
  if (!isObject(value)) return value;
  if (value["kind"] === "Table") return tableOf(value);
  const result: Json = {};
  for (const key of Object.keys(value).toSorted()) {
    if (key === "managedFields" || key === "resourceVersion" || key === "continue") continue;
    if (key === "status" && isObject(value[key])) continue;
    const inner = normalise(value[key]);
    // E3: Kubernetes repeats the causes of an update; a server may say them once.
    result[text(key)] = key === "causes" && Array.isArray(inner) ? distinct(inner) : inner;
  }
  return result;
};

/** What an answer says of itself beside its body. */
export const mediaType = (header: string | null | undefined): string =>
  (header ?? "").split(";")[0]?.trim() ?? "";
