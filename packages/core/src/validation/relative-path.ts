// Paths that must stay below the directory they are relative to.
import { allOf } from "../apimachinery/all-of.ts";
import { type FieldErrors, invalid } from "../apimachinery/field-error.ts";
import type { FieldPath } from "../apimachinery/field-path.ts";

export const withoutBacksteps = (text: string, path: FieldPath): FieldErrors =>
  text.split("/").includes("..") ? [invalid(path, text, "must not contain '..'")] : [];

export const validateRelativePath = (text: string, path: FieldPath): FieldErrors =>
  allOf(
    text.startsWith("/") ? [invalid(path, text, "must be a relative path")] : [],
    withoutBacksteps(text, path),
  );

/** Names that begin with two dots are the volume's own. */
export const validateUnreservedPath = (text: string, path: FieldPath): FieldErrors =>
  allOf(
    validateRelativePath(text, path),
    text.startsWith("..") && !text.startsWith("../") && text !== ".."
      ? [invalid(path, text, "must not start with '..'")]
      : [],
  );
