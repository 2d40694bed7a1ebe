// The rules of tags, the only ones that the published model itself documents.
import type { Tag } from "@aws-sdk/client-ecs";
import { type AwsError, invalidParameter } from "../wire/aws-error.ts";

const MAX_TAGS = 50;
const MAX_KEY = 128;
const MAX_VALUE = 256;
const CHARACTERS = /^[\p{L}\p{N}\p{Z}_.:/=+\-@]*$/u;

export const tagFault = (tags: readonly Tag[] | undefined): AwsError | undefined => {
  if (tags === undefined) return undefined;
  if (tags.length > MAX_TAGS) return invalidParameter("Tags can have a maximum of 50 entries.");
  const keys = new Set<string>();
  for (const { key = "", value = "" } of tags) {
    if (key.length < 1 || key.length > MAX_KEY || !CHARACTERS.test(key)) {
      return invalidParameter(`Invalid tag key: "${key}".`);
    }
    if (value.length > MAX_VALUE || !CHARACTERS.test(value)) {
      return invalidParameter(`Invalid value of tag "${key}".`);
    }
    if (/^aws:/i.test(key)) return invalidParameter(`Tag key "${key}" begins with aws:.`);
    if (keys.has(key)) return invalidParameter(`Duplicate tag key: "${key}".`);
    keys.add(key);
  }
  return undefined;
};
