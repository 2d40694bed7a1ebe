// Reads protobuf messages of the Kubernetes API into the values that their JSON would give.
import { rfc3339, rfc3339Micro } from "@gantry/core";
import type { Reader } from "protobufjs/minimal.js";
import type { FieldPlan, MessagePlan, ScalarForm, ValueForm } from "./wire-plan.ts";

/** Bytes that are no such message; `message` says why. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

type Json = Record<string, unknown>;

const LENGTH_DELIMITED = 2;
const wireTypes: Readonly<Partial<Record<ScalarForm, number>>> = { bool: 0, int32: 0, int64: 0 };

/** Calls `read` with the end of a length-delimited value; checks that nothing reads beyond it. */
function within<T>(reader: Reader, read: (end: number) => T): T {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new ProtobufError("unexpected EOF");
  const value = read(end);
  if (reader.pos !== end) throw new ProtobufError("a value is longer than its message");
  return value;
}

/** Calls `read` for each field up to `end`; it returns false for fields it does not know. */
function eachField(
  reader: Reader,
  end: number,
  read: (number: number, wireType: number) => boolean,
): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    const number = tag >>> 3;
    const wireType = tag & 7;
    if (number === 0) throw new ProtobufError("illegal tag 0");
    // Groups are not used by the Kubernetes API.
    if (wireType === 3 || wireType === 4) throw new ProtobufError("groups are not supported");
    if (!read(number, wireType)) reader.skipType(wireType);
  }
}

const expectWireType = (found: number, wanted: number, name: string): void => {
  if (found !== wanted) throw new ProtobufError(`wrong wireType = ${found} for field ${name}`);
};

const int64 = (reader: Reader): number => Number(reader.int64());

/** Seconds and nanoseconds, as Unix milliseconds with a fraction. */
function readTime(reader: Reader): number | undefined {
  let seconds = 0;
  let nanos = 0;
  let present = false;
  within(reader, (end) =>
    eachField(reader, end, (number, wireType) => {
      if (wireType !== 0) return false;
      present = true;
      if (number === 1) seconds = int64(reader);
      else if (number === 2) nanos = reader.int32();
      else return false;
      return true;
    }),
  );
  // The years 0 to 9999, all that RFC 3339 can show.
  if (seconds < -62_167_219_200 || seconds > 253_402_300_799) {
    throw new ProtobufError("a time is outside of what RFC 3339 can show");
  }
  // Go's zero time, which its JSON shows as null.
  if (!present || seconds === -62_135_596_800) return undefined;
  return seconds * 1000 + nanos / 1e6;
}

/** The one field of a wrapper, read as `form`. */
function readWrapped(reader: Reader, form: "string" | "bytes"): string {
  let value = "";
  within(reader, (end) =>
    eachField(reader, end, (number, wireType) => {
      if (number !== 1) return false;
      expectWireType(wireType, LENGTH_DELIMITED, "1");
      value = form === "string" ? reader.string() : Buffer.from(reader.bytes()).toString("utf8");
      return true;
    }),
  );
  return value;
}

function readIntOrString(reader: Reader): number | string {
  let type = 0;
  let integer = 0;
  let text = "";
  within(reader, (end) =>
    eachField(reader, end, (number, wireType) => {
      if (number === 3) {
        expectWireType(wireType, LENGTH_DELIMITED, "strVal");
        text = reader.string();
      } else if (number === 1 || number === 2) {
        expectWireType(wireType, 0, "intVal");
        if (number === 1) type = int64(reader);
        else integer = reader.int32();
      } else return false;
      return true;
    }),
  );
  return type === 1 ? text : integer;
}

function readRawObject(reader: Reader): unknown {
  const text = readWrapped(reader, "bytes");
  try {
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  } catch {
    throw new ProtobufError("a raw field is not JSON");
  }
}

function readScalar(reader: Reader, form: ScalarForm): unknown {
  switch (form) {
    case "string":
      return reader.string();
    case "bool":
      return reader.bool();
    case "int32":
      return reader.int32();
    case "int64":
      return int64(reader);
    case "bytes":
      return Buffer.from(reader.bytes()).toString("base64");
    case "time":
    case "microTime": {
      const ms = readTime(reader);
      if (ms === undefined) return undefined;
      return form === "time" ? rfc3339(ms) : rfc3339Micro(ms);
    }
    case "quantity":
      return readWrapped(reader, "string");
    case "intOrString":
      return readIntOrString(reader);
    case "rawObject":
      return readRawObject(reader);
  }
}

function readValue(reader: Reader, value: ValueForm): unknown {
  if (value.form === "message") {
    return within(reader, (end) => readMessage(reader, end, value.plan(), {}));
  }
  if (value.form === "map") throw new ProtobufError("a map stands where none can");
  if (value.form !== "wrappedList") return readScalar(reader, value.form);
  const items: unknown[] = [];
  within(reader, (end) =>
    eachField(reader, end, (number, wireType) => {
      if (number !== 1) return false;
      expectWireType(wireType, wireTypeOf(value.item), "items");
      items.push(readValue(reader, value.item));
      return true;
    }),
  );
  return items;
}

const wireTypeOf = (value: ValueForm): number =>
  wireTypes[value.form as ScalarForm] ?? LENGTH_DELIMITED;

function readEntry(reader: Reader, value: ValueForm, into: Json): void {
  let key = "";
  let read: unknown = value.form === "string" || value.form === "bytes" ? "" : undefined;
  within(reader, (end) =>
    eachField(reader, end, (number, wireType) => {
      if (number === 1) {
        expectWireType(wireType, LENGTH_DELIMITED, "key");
        key = reader.string();
      } else if (number === 2) {
        expectWireType(wireType, wireTypeOf(value), "value");
        read = readValue(reader, value);
      } else return false;
      return true;
    }),
  );
  if (key === "__proto__") throw new ProtobufError('the key "__proto__" is not supported');
  into[key] = read;
}

const isZero = (value: unknown): boolean => value === "" || value === 0 || value === false;

function readField(reader: Reader, wireType: number, field: FieldPlan, into: Json): void {
  const { name, value } = field;
  if (value.form === "map") {
    expectWireType(wireType, LENGTH_DELIMITED, name);
    readEntry(reader, value.value, (into[name] ??= {}) as Json);
    return;
  }
  const wanted = wireTypeOf(value);
  if (!field.repeated) {
    expectWireType(wireType, wanted, name);
    const read = readValue(reader, value);
    if (read === undefined || (field.zeroIsAbsent && isZero(read))) delete into[name];
    else into[name] = read;
    return;
  }
  const items = (into[name] ??= []) as unknown[];
  if (wireType === LENGTH_DELIMITED && wanted === 0) {
    within(reader, (end) => {
      while (reader.pos < end) items.push(readValue(reader, value));
    });
    return;
  }
  expectWireType(wireType, wanted, name);
  items.push(readValue(reader, value));
}

/** Throws ProtobufError, or the reader's RangeError where the bytes end too early. */
export function readMessage(reader: Reader, end: number, plan: MessagePlan, into: Json): Json {
  eachField(reader, end, (number, wireType) => {
    const field = plan.fields.get(number);
    if (field === undefined) return false;
    if ("fields" in field) {
      expectWireType(wireType, LENGTH_DELIMITED, `${number}`);
      within(reader, (innerEnd) => readMessage(reader, innerEnd, field, into));
    } else readField(reader, wireType, field, into);
    return true;
  });
  return into;
}
