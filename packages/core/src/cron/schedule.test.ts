import { expect, test } from "vitest";
import { parseSchedule } from "./schedule.ts";
import type { FieldSchedule } from "./schedule.ts";

const fields = (text: string): FieldSchedule => {
  const parsed = parseSchedule(text);
  if (!parsed.ok || parsed.schedule.kind !== "fields") throw new Error(`no fields: ${text}`);
  return parsed.schedule;
};

test.each([
  ["", "empty spec string"],
  ["   ", "expected exactly 5 fields, found 0: []"],
  ["1 2 3", "expected exactly 5 fields, found 3: [1 2 3]"],
  ["hello world", "expected exactly 5 fields, found 2: [hello world]"],
  ["0 0 * * * *", "expected exactly 5 fields, found 6: [0 0 * * * *]"],
  ["a * * * *", 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
  ["60 * * * *", "end of range (60) above maximum (59): 60"],
  ["* 24 * * *", "end of range (24) above maximum (23): 24"],
  ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
  ["* * 32 * *", "end of range (32) above maximum (31): 32"],
  ["* * * 13 *", "end of range (13) above maximum (12): 13"],
  ["* * * * 7", "end of range (7) above maximum (6): 7"],
  ["5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"],
  ["*/0 * * * *", "step of range should be a positive number: */0"],
  ["1-2-3 * * * *", "too many hyphens: 1-2-3"],
  ["1/2/3 * * * *", "too many slashes: 1/2/3"],
  ["-1 * * * *", 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'],
  ["1- * * * *", 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'],
  ["*/-1 * * * *", "negative number (-1) not allowed: -1"],
  ["1,x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
  ["* * * foo *", 'failed to parse int from foo: strconv.Atoi: parsing "foo": invalid syntax'],
  ["jan * * * *", 'failed to parse int from jan: strconv.Atoi: parsing "jan": invalid syntax'],
  ["* * L * *", 'failed to parse int from L: strconv.Atoi: parsing "L": invalid syntax'],
  ["* * * * 5#2", 'failed to parse int from 5#2: strconv.Atoi: parsing "5#2": invalid syntax'],
  [
    "99999999999999999999 * * * *",
    "failed to parse int from 99999999999999999999: strconv.Atoi: " +
      'parsing "99999999999999999999": value out of range',
  ],
  ["@foo", "unrecognized descriptor: @foo"],
  ["@Daily", "unrecognized descriptor: @Daily"],
  ["@every", "unrecognized descriptor: @every"],
  ["@every x", 'failed to parse duration @every x: time: invalid duration "x"'],
  ["TZ=0", "invalid schedule format: runtime error: slice bounds out of range [:-1]"],
  ["CRON_TZ=UTC", "invalid schedule format: runtime error: slice bounds out of range [:-1]"],
  ["TZ=Nowhere 0 0 * * *", "provided bad location Nowhere: unknown time zone Nowhere"],
  ["TZ=../x 0 0 * * *", "provided bad location ../x: time: invalid location name"],
])("A5: %j is refused", (text, error) => {
  expect(parseSchedule(text)).toEqual({ ok: false, error });
});

test.each([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
  ["TZ= @hourly", "TZ=UTC 0 * * * *"],
])("A4: %s is %s", (macro, text) => {
  expect(fields(macro)).toEqual(fields(text));
});

test.each([
  ["@every 1h30m", 5400],
  ["@every 90.9s", 90],
  ["@every 10ms", 1],
  ["@every 0", 1],
  ["@every -5m", 1],
])("A4: %s waits %d seconds", (text, seconds) => {
  expect(parseSchedule(text)).toEqual({ ok: true, schedule: { kind: "every", seconds } });
});

test.each([
  ["0", [0], false],
  ["+5", [5], false],
  ["10-12", [10, 11, 12], false],
  ["50/3", [50, 53, 56, 59], false],
  ["10-20/5", [10, 15, 20], false],
  ["*/20", [0, 20, 40], false],
  ["?/20", [0, 20, 40], false],
  ["5,1,5,3-4", [1, 3, 4, 5], false],
  ["1,,2,", [1, 2], false],
  [",", [], false],
])("A2: minute field %s", (text, values, star) => {
  expect(fields(`${text} * * * *`).minutes).toEqual({ values, star });
});

test.each([["*"], ["?"], ["*/1"], ["?/1"], ["*,5"], ["*-5"]])("A3: %s is a star", (text) => {
  const { daysOfWeek } = fields(`0 0 * * ${text}`);
  expect(daysOfWeek).toEqual({ values: [0, 1, 2, 3, 4, 5, 6], star: true });
});

test("A2: names in any case, also in ranges and with steps", () => {
  const { months, daysOfWeek } = fields("0 0 * JAN-Jun/2,dec Mon-FRI");
  expect(months.values).toEqual([1, 3, 5, 12]);
  expect(daysOfWeek.values).toEqual([1, 2, 3, 4, 5]);
});

test("A1: fields are separated by any white space", () => {
  expect(fields("  1\t2   3 4\n5 ")).toEqual(fields("1 2 3 4 5"));
});

test("A6: a zone prefix is kept", () => {
  expect(fields("TZ=Asia/Tokyo 0 0 * * *").zone).toBe("Asia/Tokyo");
  expect(fields("CRON_TZ=Europe/Paris  0 0 * * *").zone).toBe("Europe/Paris");
});
