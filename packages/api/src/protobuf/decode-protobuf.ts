// Protobuf request bodies: the envelope `k8s\0` with runtime.Unknown, and the object inside.
import { badRequest } from "@gantry/core";
import protobuf from "protobufjs/minimal.js";
import type { z } from "zod";
import { ProtobufError, readMessage } from "./decode-message.ts";
import { type MessagePlan, planOf } from "./wire-plan.ts";

const MAGIC = Buffer.from("k8s\0", "latin1");

/** Schema of an object by what its envelope says; `undefined` when it is not served. */
export type SchemaOf = (apiVersion: string, kind: string) => z.ZodObject | undefined;

interface Envelope {
  readonly typeMeta?: { readonly apiVersion?: string; readonly kind?: string };
  readonly raw?: Uint8Array;
  readonly contentEncoding?: string;
}

const string = { form: "string" } as const;
const typeMetaPlan: MessagePlan = {
  fields: new Map([
    [1, { name: "apiVersion", repeated: false, value: string, zeroIsAbsent: true }],
    [2, { name: "kind", repeated: false, value: string, zeroIsAbsent: true }],
  ]),
};

function readEnvelope(body: Buffer): Envelope {
  const reader = protobuf.Reader.create(body);
  reader.pos = MAGIC.length;
  const envelope: { -readonly [K in keyof Envelope]: Envelope[K] } = {};
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if ((tag & 7) !== 2) throw new ProtobufError("the envelope is malformed");
    const bytes = reader.bytes();
    if (tag >>> 3 === 1) {
      const inner = protobuf.Reader.create(bytes);
      envelope.typeMeta = readMessage(inner, inner.len, typeMetaPlan, {});
    } else if (tag >>> 3 === 2) envelope.raw = bytes;
    else if (tag >>> 3 === 3) envelope.contentEncoding = Buffer.from(bytes).toString("utf8");
  }
  return envelope;
}

function decode(body: Buffer, schemaOf: SchemaOf): Record<string, unknown> {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new ProtobufError(
      "provided data does not appear to be a protobuf message, expected prefix",
    );
  }
  const { typeMeta = {}, raw, contentEncoding = "" } = readEnvelope(body);
  if (contentEncoding !== "") throw new ProtobufError(`unknown encoding ${contentEncoding}`);
  const { apiVersion = "", kind = "" } = typeMeta;
  const schema = schemaOf(apiVersion, kind);
  if (schema === undefined) {
    throw badRequest(`no kind "${kind}" is registered for version "${apiVersion}"`);
  }
  const reader = protobuf.Reader.create(raw ?? new Uint8Array());
  return readMessage(reader, reader.len, planOf(schema), { apiVersion, kind });
}

/**
 * The object of a protobuf body as its JSON would parse: times as RFC 3339, quantities as text,
 * bytes as base64. Nothing is validated beyond its protobuf form.
 * Throws ApiError 400 for bytes that are not such a message.
 */
export function decodeProtobuf(body: Buffer, schemaOf: SchemaOf): Record<string, unknown> {
  try {
    return decode(body, schemaOf);
  } catch (error) {
    // The reader throws RangeError and plain Errors for bytes that end too early or make no sense.
    if (error instanceof ProtobufError || error instanceof RangeError || isReaderError(error)) {
      throw badRequest(`error decoding from protobuf: ${error.message}`);
    }
    throw error;
  }
}

/** What protobufjs throws beyond RangeError: plain Errors on illegal bytes. */
const isReaderError = (error: unknown): error is Error =>
  error instanceof Error && error.name === "Error";
