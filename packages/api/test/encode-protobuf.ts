// Writes objects as protobuf, for tests of the decoder: the inverse of what clients' Go code reads.
import { parseRfc3339 } from "@gantry/core";
import protobuf from "protobufjs/minimal.js";
import type { z } from "zod";
import {
  type FieldPlan,
  type MessagePlan,
  planOf,
  type ValueForm,
} from "../src/protobuf/wire-plan.ts";

type Writer = protobuf.Writer;
type Json = Record<string, unknown>;

const lengthDelimited = (number: number): number => ((number << 3) | 2) >>> 0;

function writeTime(writer: Writer, text: string): void {
  const ms = parseRfc3339(text);
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1e6);
  writer.fork().uint32(8).int64(seconds).uint32(16).int32(nanos).ldelim();
}

function writeIntOrString(writer: Writer, value: unknown): void {
  writer.fork();
  if (typeof value === "string") writer.uint32(8).int64(1).uint32(26).string(value);
  else
    writer
      .uint32(8)
      .int64(0)
      .uint32(16)
      .int32(value as number);
  writer.ldelim();
}

function writeValue(writer: Writer, number: number, form: ValueForm, value: unknown): void {
  const varint = form.form === "bool" || form.form === "int32" || form.form === "int64";
  writer.uint32(varint ? (number << 3) >>> 0 : lengthDelimited(number));
  switch (form.form) {
    case "message":
      writer.fork();
      writeMessage(writer, form.plan(), value as Json);
      writer.ldelim();
      return;
    case "wrappedList":
      writer.fork();
      for (const item of value as unknown[]) writeValue(writer, 1, form.item, item);
      writer.ldelim();
      return;
    case "bool":
      writer.bool(value as boolean);
      return;
    case "int32":
      writer.int32(value as number);
      return;
    case "int64":
      writer.int64(value as number);
      return;
    case "bytes":
      writer.bytes(Buffer.from(value as string, "base64"));
      return;
    case "time":
    case "microTime":
      writeTime(writer, value as string);
      return;
    case "quantity":
      writer
        .fork()
        .uint32(10)
        .string(value as string)
        .ldelim();
      return;
    case "intOrString":
      writeIntOrString(writer, value);
      return;
    case "rawObject":
      writer
        .fork()
        .uint32(10)
        .bytes(Buffer.from(JSON.stringify(value)))
        .ldelim();
      return;
    case "map":
      throw new Error("a map stands where none can");
    case "string":
      writer.string(value as string);
  }
}

function writeField(writer: Writer, number: number, field: FieldPlan, value: unknown): void {
  if (field.value.form === "map") {
    for (const [key, item] of Object.entries(value as Json)) {
      writer.uint32(lengthDelimited(number)).fork().uint32(10).string(key);
      writeValue(writer, 2, field.value.value, item);
      writer.ldelim();
    }
  } else if (field.repeated) {
    for (const item of value as unknown[]) writeValue(writer, number, field.value, item);
  } else writeValue(writer, number, field.value, value);
}

function names(plan: MessagePlan): string[] {
  return [...plan.fields.values()].flatMap((field) =>
    "fields" in field ? names(field) : field.name,
  );
}

function writeMessage(writer: Writer, plan: MessagePlan, object: Json): void {
  for (const [number, field] of plan.fields) {
    if ("fields" in field) {
      if (!names(field).some((name) => object[name] !== undefined)) continue;
      writer.uint32(lengthDelimited(number)).fork();
      writeMessage(writer, field, object);
      writer.ldelim();
    } else if (object[field.name] !== undefined)
      writeField(writer, number, field, object[field.name]);
  }
}

export function encodeProtobuf(object: Json, schema: z.ZodObject): Buffer {
  const inner = protobuf.Writer.create();
  writeMessage(inner, planOf(schema), object);
  const envelope = protobuf.Writer.create();
  envelope.uint32(10).fork();
  envelope.uint32(10).string(object["apiVersion"] as string);
  envelope
    .uint32(18)
    .string(object["kind"] as string)
    .ldelim();
  envelope.uint32(18).bytes(inner.finish());
  return Buffer.concat([Buffer.from("k8s\0"), envelope.finish()]);
}
