// Secrets at rest: sealed, opened, rotated, and of no use to who changes or moves them.
import { assert, dictionary, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import type { StoredObject } from "./objects.ts";
import { openSecret, SealedSecretError, SecretBox, SecretKeyError } from "./secret-box.ts";

const secret = (more: object = {}): StoredObject => ({
  kind: "Secret",
  apiVersion: "v1",
  metadata: {
    name: "s",
    namespace: "default",
    uid: "u-1",
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: { a: "b" },
    annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{hunter2}" },
  },
  type: "Opaque",
  data: { password: "aHVudGVyMg==" },
  ...more,
});

const [first, second] = [SecretBox.newKey(), SecretBox.newKey()];

describe("SecretBox", () => {
  test("what comes back is what was sealed", () => {
    const box = SecretBox.parse(first);
    assert(
      property(dictionary(string(), string()), (data) => {
        expect(box.open(box.seal(secret({ data })))).toEqual(secret({ data }));
      }),
    );
  });

  test("a sealed record shows neither the data nor the annotations; labels and type stay", () => {
    const sealed = SecretBox.parse(first).seal(secret());
    const text = JSON.stringify(sealed);
    expect(text).not.toContain("aHVudGVyMg");
    expect(text).not.toContain("hunter2");
    expect(text).not.toContain("password");
    expect(sealed).toMatchObject({ type: "Opaque", metadata: { labels: { a: "b" } } });
  });

  test("two sealings of the same differ", () => {
    const box = SecretBox.parse(first);
    expect(box.seal(secret())["sealed"]).not.toBe(box.seal(secret())["sealed"]);
  });

  test("rotation: the new key encrypts, the old one still opens", () => {
    const old = SecretBox.parse(first).seal(secret());
    const rotated = SecretBox.parse(`# of this year\n${second}\n\n${first}\n`);
    expect(rotated.open(old)).toEqual(secret());
    expect(rotated.isStale(old)).toBe(true);
    expect(rotated.isStale(secret())).toBe(true);
    expect(rotated.isStale(rotated.seal(secret()))).toBe(false);
    expect(() => SecretBox.parse(second).open(old)).toThrow(SealedSecretError);
  });

  test("a key that is missing is named, unless it was given up as lost", () => {
    const [old] = SecretBox.parse(first).keyIds;
    const sealed = SecretBox.parse(first).seal(secret());
    const box = SecretBox.parse(second);
    expect([box.missingKey(sealed), box.isOwn(sealed)]).toEqual([old, false]);
    expect([box.missingKey(secret()), box.isOwn(secret())]).toEqual([null, false]);
    expect(SecretBox.parse(first).missingKey(sealed)).toBeNull();
    expect(SecretBox.parse(first).isOwn(sealed)).toBe(true);
    const resigned = SecretBox.parse(`lost ${old}\n${second}`);
    expect(resigned.missingKey(sealed)).toBeNull();
    expect(() => resigned.open(sealed)).toThrow(SealedSecretError);
    expect(() => SecretBox.parse(`lost ${old}`)).toThrow("there is no key");
  });

  test("a record that was never sealed is readable; a sealed one is not without a key", () => {
    expect(SecretBox.parse(first).open(secret())).toEqual(secret());
    expect(openSecret(undefined, secret())).toEqual(secret());
    const sealed = SecretBox.parse(first).seal(secret());
    expect(() => openSecret(undefined, sealed)).toThrow(SealedSecretError);
  });

  test("a text that was changed, cut off or moved to another Secret is refused", () => {
    const box = SecretBox.parse(first);
    const sealed = box.seal(secret());
    const text = sealed["sealed"] as string;
    // Not the last character: some of its bits may stand for nothing.
    const at = text.length - 10;
    const flipped = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
    for (const broken of [flipped, text.slice(0, -9), text.split(".").slice(0, 3).join("."), "x"]) {
      expect(() => box.open({ ...sealed, sealed: broken })).toThrow(SealedSecretError);
    }
    const moved = { ...sealed, metadata: { ...sealed.metadata, name: "other" } };
    expect(() => box.open(moved)).toThrow(SealedSecretError);
  });

  test.each(["", "# nothing", "short", "x".repeat(44), `${first}!`])(
    "not a key file: %j",
    (text) => {
      expect(() => SecretBox.parse(text)).toThrow(SecretKeyError);
    },
  );

  test("an error names the line of a key, not the key", () => {
    expect(() => SecretBox.parse(`${first}\nhunter2`)).toThrow("line 2 is not 32 bytes in base64");
  });
});
