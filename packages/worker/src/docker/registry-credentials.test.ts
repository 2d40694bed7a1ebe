// Which credentials of a Pod's pull secrets are tried for an image, and in which order.
import { expect, test } from "vitest";
import type { RunnablePod } from "../runtime.ts";
import { parseImage } from "./image-reference.ts";
import { credentialsFor } from "./registry-credentials.ts";

const namesFor = (image: string, auths: Record<string, unknown>, text?: string): string[] => {
  const config = Buffer.from(text ?? JSON.stringify({ auths }));
  const pod = {
    spec: { imagePullSecrets: [{ name: "gone" }, { name: "regcred" }] },
    sources: new Map([["secret/regcred", new Map([[".dockerconfigjson", config]])]]),
  } as unknown as RunnablePod;
  const reference = parseImage(image);
  if (reference === null) throw new Error(`no reference: ${image}`);
  return credentialsFor(pod, reference).map(({ username, password }) => `${username}:${password}`);
};

const entry = (username: string) => ({ username, password: "p" });

test.each([
  ["busybox", "https://index.docker.io/v1/", true],
  ["busybox", "docker.io", true],
  ["busybox", "example.com", false],
  ["example.com/app", "example.com", true],
  ["example.com/app", "http://example.com/v2/", true],
  ["example.com:5000/app", "example.com", false],
  ["eu.example.com/app", "*.example.com", true],
  ["a.eu.example.com/app", "*.example.com", false],
  ["example.com/team/app", "example.com/team", true],
  ["example.com/teams/app", "example.com/team", false],
])("%s with %s: %s", (image, server, matches) => {
  expect(namesFor(image, { [server]: entry("u") })).toEqual(matches ? ["u:p"] : []);
});

test("the most specific first; auth goes before username; a colon in the password stays", () => {
  const auth = Buffer.from("inner:pass:word").toString("base64");
  const auths = {
    "example.com": entry("host"),
    "example.com/team": { ...entry("ignored"), auth },
  };
  expect(namesFor("example.com/team/app", auths)).toEqual(["inner:pass:word", "host:p"]);
});

test.each(["not json", "[]", "null", '{"auths": 1}', '{"auths": {"example.com": {}}}'])(
  "a secret that holds %s gives none",
  (text) => {
    expect(namesFor("example.com/app", {}, text)).toEqual([]);
  },
);
