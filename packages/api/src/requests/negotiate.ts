// Which representation a client is answered with: its Accept header against what there is.
import { notAcceptable } from "@gantry/core";

export type Shape = "object" | "Table" | "PartialObjectMetadata";

export interface Representation {
  readonly format: "json" | "yaml";
  readonly shape: Shape;
}

/** As Kubernetes lists them in 406; protobuf is read from requests, and never answered. */
export const mediaTypes = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
] as const;

/** Longer headers can only be hostile. */
const HEADER_MAX = 8_192;

interface Clause {
  readonly type: string;
  readonly params: ReadonlyMap<string, string>;
  readonly quality: number;
}

const parseClause = (text: string): Clause => {
  const [type = "", ...rest] = text.split(";").map((part) => part.trim());
  const params = new Map<string, string>();
  for (const part of rest) {
    const equals = part.indexOf("=");
    if (equals > 0) params.set(part.slice(0, equals), part.slice(equals + 1));
  }
  const quality = Number(params.get("q") ?? "1");
  return { type: type.toLowerCase(), params, quality: Number.isNaN(quality) ? 0 : quality };
};

/** Headers whose clauses are kept: clients of one program send the same with each request. */
const KEPT_MAX = 256;

const kept = new Map<string, readonly Clause[]>();

/** Clauses by falling quality, in their order otherwise. */
export const parseAccept = (header: string | undefined): readonly Clause[] => {
  if (header === undefined || header.trim() === "") return [];
  const text = header.slice(0, HEADER_MAX);
  const known = kept.get(text);
  if (known !== undefined) return known;
  const clauses = text
    .split(",")
    .map(parseClause)
    .filter(({ type, quality }) => type !== "" && quality > 0)
    .sort((a, b) => b.quality - a.quality);
  if (kept.size >= KEPT_MAX) kept.clear();
  kept.set(text, clauses);
  return clauses;
};

const formatOf = (type: string): Representation["format"] | null => {
  if (type === "*/*" || type === "application/*" || type === "application/json") return "json";
  return type === "application/yaml" ? "yaml" : null;
};

const shapeOf = (params: ReadonlyMap<string, string>, list: boolean): Shape | null => {
  const as = params.get("as");
  if (as === undefined) return "object";
  const version = params.get("v");
  if (params.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return null;
  if (as === "Table") return "Table";
  return as === (list ? "PartialObjectMetadataList" : "PartialObjectMetadata")
    ? "PartialObjectMetadata"
    : null;
};

/**
 * The first clause that can be served; 406 when none can. `list` tells whether a list is answered;
 * watches take `as` of single objects, and JSON only.
 */
export const negotiate = (
  header: string | undefined,
  what: { readonly list: boolean; readonly watch?: boolean },
): Representation => {
  if ((header ?? "").trim() === "") return { format: "json", shape: "object" };
  for (const { type, params } of parseAccept(header)) {
    const format = formatOf(type);
    if (format === null || (what.watch === true && format !== "json")) continue;
    const shape = shapeOf(params, what.list && what.watch !== true);
    if (shape !== null) return { format, shape };
  }
  throw notAcceptable(mediaTypes);
};
