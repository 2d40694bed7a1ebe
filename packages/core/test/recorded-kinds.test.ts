// The table of kinds says what recorded discovery says.
// Skipped where the recordings are not beside the checkout.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { kinds } from "../src/apimachinery/kinds.ts";

const recording = new URL("../../../../shared/wire/exchanges-kubectl-1.32.jsonl", import.meta.url);

interface RecordedResource {
  readonly resource: string;
  readonly responseKind: { readonly kind: string };
  readonly scope: string;
  readonly singularResource: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly { readonly subresource: string; readonly verbs: string[] }[];
}

interface Discovery {
  readonly items: readonly {
    readonly metadata: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly resources: readonly RecordedResource[];
    }[];
  }[];
}

function recordedResources(): Map<string, RecordedResource> {
  const found = new Map<string, RecordedResource>();
  if (!existsSync(recording)) return found;
  for (const line of readFileSync(recording, "utf8").split("\n").slice(3, 5)) {
    const { response } = JSON.parse(line) as { response: { body: string } };
    for (const { metadata, versions } of (JSON.parse(response.body) as Discovery).items) {
      for (const { version, resources } of versions) {
        const groupVersion = metadata.name === undefined ? version : `${metadata.name}/${version}`;
        for (const resource of resources)
          found.set(`${groupVersion}/${resource.resource}`, resource);
      }
    }
  }
  return found;
}

const recorded = recordedResources();

/** Workers make and remove their own Nodes. */
const notOurs: ReadonlyMap<string, readonly string[]> = new Map([
  ["v1/nodes", ["create", "delete", "deletecollection"]],
]);

describe.skipIf(recorded.size === 0)("kinds equal recorded discovery", () => {
  it.each(kinds.map((kind) => [`${kind.apiVersion}/${kind.plural}`, kind] as const))(
    "%s",
    (key, kind) => {
      const theirs = recorded.get(key);
      expect({
        kind: kind.kind,
        scope: kind.namespaced ? "Namespaced" : "Cluster",
        singular: kind.singular,
        verbs: kind.verbs,
        shortNames: kind.shortNames,
        categories: kind.categories,
      }).toEqual({
        kind: theirs?.responseKind.kind,
        scope: theirs?.scope,
        singular: theirs?.singularResource,
        verbs: theirs?.verbs.filter((verb) => !notOurs.get(key)?.includes(verb)),
        shortNames: theirs?.shortNames ?? [],
        categories: theirs?.categories ?? [],
      });
      for (const { name, verbs } of kind.subresources) {
        const same = theirs?.subresources?.find(({ subresource }) => subresource === name);
        expect(verbs).toEqual(same?.verbs);
      }
    },
  );
});
