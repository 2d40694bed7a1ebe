// Image references case by case.
import { expect, test } from "vitest";
import { parseImage } from "./image-reference.ts";

const digest = `sha256:${"a".repeat(64)}`;

test.each([
  ["busybox", "busybox:latest", "docker.io", "library/busybox", true],
  ["busybox:1.36", "busybox:1.36", "docker.io", "library/busybox", false],
  ["busybox:latest", "busybox:latest", "docker.io", "library/busybox", true],
  ["team/app", "team/app:latest", "docker.io", "team/app", true],
  ["team/sub/app:1", "team/sub/app:1", "docker.io", "team/sub/app", false],
  ["docker.io/team/app:1", "docker.io/team/app:1", "docker.io", "team/app", false],
  ["localhost/app:1", "localhost/app:1", "localhost", "app", false],
  ["127.0.0.1:5000/app", "127.0.0.1:5000/app:latest", "127.0.0.1:5000", "app", true],
  [
    "example.com/a/b__c/d-e:V1.x",
    "example.com/a/b__c/d-e:V1.x",
    "example.com",
    "a/b__c/d-e",
    false,
  ],
  [`app@${digest}`, `app@${digest}`, "docker.io", "library/app", false],
  [`example.com/app:1@${digest}`, `example.com/app:1@${digest}`, "example.com", "app", false],
])("%s", (image, full, registry, repository, isLatest) => {
  expect(parseImage(image)).toEqual({ full, registry, repository, isLatest });
});

test.each([
  "",
  "UPPER",
  "UPPER:case",
  "a//b",
  "a:",
  "a b",
  ":1",
  "app@sha256:12",
  "-app",
  "team_/app",
  "app:tag:tag",
])("%j is no reference", (image) => {
  expect(parseImage(image)).toBeNull();
});
