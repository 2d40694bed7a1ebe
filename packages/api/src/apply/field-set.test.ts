// Sets of fields against plain sets of paths; and that sets share what does not change.
import { array, assert, constantFrom, property } from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addPath,
  difference,
  emptySet,
  type FieldPath,
  type FieldSet,
  fromFieldsV1,
  intersection,
  pathsOf,
  sameSet,
  toFieldsV1,
  union,
  withoutBelow,
} from "./field-set.ts";

const paths = array(
  array(constantFrom("f:a", "f:b", 'k:{"n":"c"}'), { minLength: 1, maxLength: 4 }),
  {
    maxLength: 12,
  },
);

const setOf = (list: readonly FieldPath[]): FieldSet => {
  const set = emptySet();
  for (const path of list) addPath(set, path);
  return set;
};

const texts = (list: readonly FieldPath[]): string[] =>
  [...new Set(list.map((path) => JSON.stringify(path)))].sort();

const textsOf = (set: FieldSet): string[] => texts(pathsOf(set));

describe("a set of fields", () => {
  it("joins, parts and meets as a set of paths does, and leaves its operands as they were", () => {
    assert(
      property(paths, paths, (a, b) => {
        const [left, right] = [setOf(a), setOf(b)];
        const inB = new Set(texts(b));
        expect(textsOf(union(left, right))).toEqual(texts([...a, ...b]));
        expect(textsOf(difference(left, right))).toEqual(texts(a).filter((path) => !inB.has(path)));
        expect(textsOf(intersection(left, right))).toEqual(
          texts(a).filter((path) => inB.has(path)),
        );
        expect(sameSet(left, right)).toBe(texts(a).join() === texts(b).join());
        expect([textsOf(left), textsOf(right)]).toEqual([texts(a), texts(b)]);
      }),
    );
  });

  it("loses paths with all that is below them", () => {
    assert(
      property(paths, paths, (a, without) => {
        const set = setOf(a);
        const isBelow = (path: FieldPath): boolean =>
          without.some((prefix) => prefix.every((element, n) => path[n] === element));
        expect(textsOf(withoutBelow(set, without))).toEqual(
          texts(a.filter((path) => !isBelow(path))),
        );
        expect(textsOf(set)).toEqual(texts(a));
      }),
    );
  });

  it("goes to FieldsV1 and back", () => {
    assert(
      property(paths, (a) => {
        const set = setOf(a);
        const read = fromFieldsV1(JSON.parse(JSON.stringify(toFieldsV1(set))));
        expect(read === undefined ? undefined : textsOf(read)).toEqual(textsOf(set));
      }),
    );
  });

  it("is itself where nothing changes, so that its tree need not be made again", () => {
    const set = setOf([["f:a", "f:b"], ["f:c"]]);
    expect(union(set, setOf([["f:a", "f:b"]]))).toBe(set);
    expect(difference(set, setOf([["f:a", "f:x"], ["f:y"]]))).toBe(set);
    expect(withoutBelow(set, [["f:a", "f:x"]])).toBe(set);
    expect(toFieldsV1(union(set, emptySet()))).toBe(toFieldsV1(set));
  });
});
