// The small kinds beside Jobs and Pods.
import { describe, expect, test } from "vitest";
import { lines } from "../../test/manifests.ts";
import { defaultSecret } from "../defaults/config.ts";
import {
  validateConfigMap,
  validateConfigMapUpdate,
  validateEvent,
  validateLease,
  validateNamespace,
  validateSecret,
  validateSecretUpdate,
  validateServiceAccount,
} from "./config.ts";

const metadata = { name: "x", namespace: "default", resourceVersion: "1" };
const keyText =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  " +
  "or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const frozen = "Forbidden: field is immutable when `immutable` is set";

describe("ConfigMap", () => {
  test("keys, and keys of both maps", () => {
    const configMap = { metadata, data: { "a b": "1", k: "2" }, binaryData: { k: "eA==" } };
    expect(lines(validateConfigMap(configMap))).toEqual([
      `FieldValueInvalid data[a b]: Invalid value: "a b": ${keyText}`,
      'FieldValueInvalid data[k]: Invalid value: "k": duplicate of key present in binaryData',
    ]);
  });

  test("1 MiB is the most", () => {
    const half = "x".repeat(512 * 1024);
    expect(lines(validateConfigMap({ metadata, data: { a: half, b: half } }))).toEqual([]);
    expect(lines(validateConfigMap({ metadata, data: { a: half, b: `${half}x` } }))).toEqual([
      "FieldValueTooLong : Too long: may not be more than 1048576 bytes",
    ]);
  });

  test("an immutable one stays and keeps its data; labels may change", () => {
    const old = { metadata, immutable: true, data: { k: "1" } };
    expect(lines(validateConfigMapUpdate({ metadata, data: { k: "2" } }, old))).toEqual([
      `FieldValueForbidden immutable: ${frozen}`,
      `FieldValueForbidden data: ${frozen}`,
    ]);
    const labelled = { ...old, metadata: { ...metadata, labels: { a: "b" } } };
    expect(lines(validateConfigMapUpdate(labelled, old))).toEqual([]);
  });
});

describe("Secret", () => {
  const encode = (text: string): string => Buffer.from(text).toString("base64");

  test("stringData is written over data, type is Opaque by default", () => {
    const secret = { metadata, data: { a: "eA==", b: "eQ==" }, stringData: { a: "zz" } };
    expect(defaultSecret(secret, encode)).toEqual({
      metadata,
      data: { a: "eno=", b: "eQ==" },
      type: "Opaque",
    });
  });

  test("keys of known types", () => {
    expect(lines(validateSecret({ metadata, type: "kubernetes.io/tls" }))).toEqual([
      "FieldValueRequired data[tls.crt]: Required value",
      "FieldValueRequired data[tls.key]: Required value",
    ]);
    expect(lines(validateSecret({ metadata, type: "Opaque", data: { ".": "" } }))).toEqual([
      `FieldValueInvalid data[.]: Invalid value: ".": must not be '.'`,
    ]);
  });

  test("the type stays", () => {
    const old = { metadata, type: "Opaque" };
    expect(lines(validateSecretUpdate({ metadata, type: "mine" }, old))).toEqual([
      'FieldValueInvalid type: Invalid value: "mine": field is immutable',
    ]);
  });
});

test("Namespace: its name is a DNS label, it is in no namespace", () => {
  expect(lines(validateNamespace({ metadata: { name: "a.b" } }))).toEqual([
    'FieldValueInvalid metadata.name: Invalid value: "a.b": must not contain dots',
  ]);
  expect(lines(validateNamespace({ metadata: { name: "team-a" } }))).toEqual([]);
});

test("ServiceAccount and Lease: metadata", () => {
  const missing =
    "FieldValueRequired metadata.name: Required value: name or generateName is required";
  expect(lines(validateServiceAccount({ metadata: { namespace: "a" } }))).toEqual([missing]);
  expect(lines(validateLease({ metadata: { namespace: "a" } }))).toEqual([missing]);
  expect(lines(validateLease({ metadata }))).toEqual([]);
});

test("Event: it stands in the namespace of what it is about", () => {
  const about = (namespace?: string) => ({ metadata, involvedObject: { namespace } });
  expect(lines(validateEvent(about("default")))).toEqual([]);
  expect(lines(validateEvent(about()))).toEqual([]);
  expect(lines(validateEvent(about("other")))).toEqual([
    'FieldValueInvalid involvedObject.namespace: Invalid value: "other": does not ' +
      "match event.namespace",
  ]);
});
