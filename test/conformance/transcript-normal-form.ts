// What of kubectl's output may differ between two runs of the same commands, replaced by words.

const replacements: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UID"],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| [+-]\d{4})/g, "TIME"],
  [/(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, "TIME"],
  // The recorded server had no certificate.
  [/https?:\/\/127\.0\.0\.1:\d+/g, "SERVER"],
  [/\b\d{1,3}(\.\d{1,3}){3}\b/g, "IP"],
  // Suffixes of generated names, and of a CronJob's Jobs.
  [/-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, "-SUFFIX"],
  [/\bfake-\d\b/g, "NODE"],
  [/(resourceVersion"?: )"\d+"/g, '$1"VERSION"'],
  [/\b\d+[smh](\d+[ms])?(?=\s|$|\))/g, "AGE"],
  [/\/tmp\/(LIVE|MERGED)-\d+/g, "$1"],
];

/** Columns are as wide as their widest cell, which may be a random name. */
const columns = (line: string): string => {
  const indent = /^ */.exec(line)?.[0] ?? "";
  return indent + line.slice(indent.length).replace(/ {2,}/g, " ").trimEnd();
};

export const normalLine = (line: string): string =>
  columns(replacements.reduce((text, [from, to]) => text.replace(from, to), line));
