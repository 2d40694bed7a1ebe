// FieldsV1 as text, in which objects keep it, and as the tree that clients see, shared by all alike.
import { blank } from "@gantry/core";
import type { ObjectMeta } from "@gantry/core";
import type { FieldsV1 } from "./field-set.ts";
import { isJson, type Json } from "./shape.ts";

/** Texts whose trees are kept: one for each way in which objects are written. */
const TREES_MAX = 2_000;
/** A longer text is rarely seen twice; with this bound, the trees stay below some 50 MB. */
const TEXT_MAX = 4_096;

/** By their text, packed and not. */
const trees = new Map<string, FieldsV1>();
const packedTexts = new WeakMap<object, string>();

const freeze = (tree: FieldsV1): FieldsV1 => {
  for (const below of Object.values(tree)) freeze(below);
  return Object.freeze(tree);
};

/** Its own inverse: JSON inside a JSON text then needs no escapes, which cost space and time. */
const swapQuotes = (text: string): string =>
  text.replace(/["']/g, (quote) => (quote === '"' ? "'" : '"'));
const pack = (text: string): string =>
  text.includes("'") ? swapQuotes(text) : text.replaceAll('"', "'");
const unpack = (text: string): string =>
  text.includes('"') ? swapQuotes(text) : text.replaceAll("'", '"');

const remember = (text: string, tree: FieldsV1): FieldsV1 => {
  if (text.length > TEXT_MAX) return tree;
  if (trees.size >= TREES_MAX) trees.clear();
  trees.set(text, tree);
  return tree;
};

const treeOfPacked = (packed: string): FieldsV1 => {
  const known = trees.get(packed);
  if (known !== undefined) return known;
  const tree = freeze(JSON.parse(unpack(packed)) as FieldsV1);
  packedTexts.set(tree, packed);
  return remember(packed, tree);
};

/** The tree of a JSON text. It is shared: nobody may change it. */
export const treeOf = (text: string): FieldsV1 =>
  trees.get(text) ?? remember(text, treeOfPacked(pack(text)));

const packedTextOf = (tree: object): string => packedTexts.get(tree) ?? pack(JSON.stringify(tree));

type Entries = readonly unknown[] | undefined;

/** As stored: a reader that does not care for the fields parses them as one string. */
export const packManagedFields = (entries: Entries): Json[] | undefined =>
  entries?.map((entry) => {
    const { fieldsType: _, fieldsV1, ...rest } = entry as Json;
    return { ...blank, ...rest, fieldsV1: packedTextOf((fieldsV1 ?? {}) as object) };
  });

/** As clients see it. Entries that were never packed stay as they are. */
export const unpackManagedFields = (entries: Entries): ObjectMeta["managedFields"] =>
  entries?.map((entry) => {
    if (!isJson(entry) || typeof entry["fieldsV1"] !== "string") return entry as Json;
    const { fieldsV1, subresource, ...rest } = entry;
    return {
      ...blank,
      ...rest,
      fieldsType: "FieldsV1",
      fieldsV1: treeOfPacked(fieldsV1),
      ...(subresource === undefined ? {} : { subresource }),
    };
  });
