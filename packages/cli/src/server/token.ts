// The bearer token: made at first start, kept where only its owner can read it.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { privateDir, writePrivate } from "../private-file.ts";
import { UsageError } from "../usage-error.ts";
import { dirname } from "node:path";

const TOKEN_BYTES = 32;
/** A token that can be guessed is worse than none, because it looks like one. */
const MIN_LENGTH = 16;

/** The token in the file; made if there is none. `GANTRY_TOKEN` comes first. */
export function bearerToken(file: string, env = process.env): string {
  const given = env["GANTRY_TOKEN"];
  if (given !== undefined && given !== "") return checked(given, "GANTRY_TOKEN");
  try {
    return checked(readFileSync(file, "utf8").trim(), file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  privateDir(dirname(file));
  writePrivate(file, `${token}\n`);
  return token;
}

function checked(token: string, from: string): string {
  if (token.length < MIN_LENGTH || /[^\x21-\x7e]/.test(token)) {
    throw new UsageError(
      `${from}: a token needs at least ${MIN_LENGTH} printable characters without spaces`,
    );
  }
  return token;
}
