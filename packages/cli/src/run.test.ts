// What `gantry run` says and decides, without a server.
import { PassThrough } from "node:stream";
import type { Job, Pod } from "@gantry/sdk";
import { describe, expect, test } from "vitest";
import { errorText } from "./report-error.ts";
import { podFailureText } from "./run/failure.ts";
import { LogWriter } from "./run/log-writer.ts";
import { Progress, progressText } from "./run/progress.ts";
import { isSubset } from "./run/subset.ts";
import { GantryError } from "@gantry/sdk";
import { formatTable, TableWriter } from "./output/table.ts";
import { formatOutline } from "./output/outline.ts";
import { threeWayPatch } from "./three-way-patch.ts";

const job = (spec: object, status: object): Job => ({
  metadata: { name: "pi", uid: "u", resourceVersion: "1" },
  spec,
  status,
});

describe("the progress of a Job", () => {
  test("counts what there is and leaves out what there is not", () => {
    expect(progressText(job({ completions: 6 }, {}))).toBe("pi: 0/6 succeeded");
    expect(
      progressText(job({ completions: 6 }, { active: 3, ready: 2, succeeded: 1, failed: 4 })),
    ).toBe("pi: 1/6 succeeded, 2 running, 1 starting, 4 failed");
    expect(progressText(job({}, { succeeded: 1, terminating: 1 }))).toBe(
      "pi: 1 succeeded, 1 ending",
    );
  });

  const output = (isTTY: boolean) => {
    const written: string[] = [];
    return {
      written,
      out: { isTTY, columns: 60, write: (text: string) => void written.push(text) },
    };
  };

  test("without a terminal is a line a change, at most one a second", () => {
    const { written, out } = output(false);
    let nowMs = 0;
    const progress = new Progress(out, () => nowMs);
    progress.update(job({ completions: 2 }, { active: 1 }));
    progress.update(job({ completions: 2 }, { active: 2 }));
    nowMs = 1_500;
    progress.update(job({ completions: 2 }, { active: 1, succeeded: 1 }));
    nowMs = 3_000;
    progress.update(job({ completions: 2 }, { active: 1, succeeded: 1 }));
    progress.close();
    expect(written).toEqual([
      "gantry: pi: 0/2 succeeded, 1 starting\n",
      "gantry: pi: 1/2 succeeded, 1 starting\n",
    ]);
  });

  test("on a terminal makes room for output and for notes, and leaves nothing behind", () => {
    const { written, out } = output(true);
    const progress = new Progress(out, () => 0);
    progress.update(job({ completions: 2 }, { succeeded: 1 }));
    progress.around(() => out.write("3.14\n"), true);
    progress.note("something");
    progress.close();
    const text = written.join("");
    expect(text).toContain("[==========>         ] pi: 1/2 succeeded");
    // What stays on screen: each line's text after its last clearing.
    const screen = text
      .split("\n")
      .map((line) => line.split("\u001B[2K").at(-1)?.replaceAll("\r", ""));
    expect(screen).toEqual(["3.14", "gantry: something", ""]);
  });
});

describe("the output of Pods", () => {
  const sink = (prefix = false) => {
    const out = new PassThrough();
    const notes: string[] = [];
    const progress = {
      around: (write: () => void) => write(),
      note: (text: string) => void notes.push(text),
    };
    return { out, notes, writer: new LogWriter(out, progress, prefix) };
  };

  test("passes byte for byte, what is no UTF-8 included", async () => {
    const { out, writer } = sink();
    await writer.write("a", Buffer.from([0xff, 0x00, 0x0a]));
    await writer.write("a", Buffer.from("end"));
    writer.end();
    expect(out.read()).toEqual(Buffer.from([0xff, 0x00, 0x0a, 0x65, 0x6e, 0x64]));
  });

  test("of two Pods never share a line", async () => {
    const { out, writer } = sink(true);
    await writer.write("a", Buffer.from("no newline"));
    await writer.write("b", Buffer.from("next\n"));
    expect(String(out.read())).toBe("[a] no newline\n[b] next\n");
  });

  test("is dropped when nobody reads any more, and said once", async () => {
    const { out, notes, writer } = sink();
    out.emit("error", new Error("EPIPE"));
    out.emit("error", new Error("EPIPE"));
    await writer.write("a", Buffer.from("x\n"));
    expect(notes).toHaveLength(1);
    expect(out.read()).toBeNull();
  });
});

describe("why a Pod failed", () => {
  const pod = (status: object): Pod => ({
    metadata: { name: "p", uid: "u", resourceVersion: "1" },
    status,
  });
  const ended = (name: string, terminated: object) => ({ name, state: { terminated } });
  test.each([
    ["exit code 3", { containerStatuses: [ended("c", { exitCode: 3, reason: "Error" })] }],
    [
      "StartError (exit code 128): no such program",
      {
        containerStatuses: [
          ended("c", { exitCode: 128, reason: "StartError", message: "no such program\n" }),
        ],
      },
    ],
    [
      "container b: exit code 1",
      {
        containerStatuses: [
          ended("a", { exitCode: 0 }),
          ended("b", { exitCode: 1, reason: "Error" }),
        ],
      },
    ],
    [
      "Evicted: the node was low on memory",
      { reason: "Evicted", message: "the node was low on memory" },
    ],
    ["no container says why", {}],
  ])("%s", (text, status) => expect(podFailureText(pod(status))).toBe(text));
});

describe("whether a running Job is the one of the manifest", () => {
  const stored = {
    parallelism: 1,
    template: { metadata: { labels: { uid: "x" } }, spec: { cpu: "1" } },
  };
  test.each([
    ["defaults that the server added do not matter", { template: { spec: {} } }, true],
    ["a changed value does", { parallelism: 2 }, false],
    ["a field that is not there does", { completions: 3 }, false],
    ["null and an empty map are the same as absent", { completions: null, selector: {} }, true],
    ["a number may be stored as text", { template: { spec: { cpu: 1 } } }, true],
  ])("%s", (_, wanted, same) => expect(isSubset(wanted, stored)).toBe(same));

  test("lists must be as long", () => {
    expect(isSubset([{ a: 1 }], [{ a: 1, b: 2 }])).toBe(true);
    expect(isSubset([{ a: 1 }], [{ a: 1 }, { a: 2 }])).toBe(false);
  });
});

describe("applying a manifest again", () => {
  const current = {
    spec: { suspend: true, parallelism: 2, added: "by the server", list: [{ a: 1, b: "default" }] },
  };
  test.each([
    ["nothing new", {}, { spec: { suspend: true, list: [{ a: 1 }] } }, undefined],
    ["a change", {}, { spec: { suspend: false } }, { spec: { suspend: false } }],
    [
      "a field taken out",
      { spec: { parallelism: 2 } },
      { spec: {} },
      { spec: { parallelism: null } },
    ],
    [
      "a list is replaced whole",
      {},
      { spec: { list: [{ a: 2 }] } },
      { spec: { list: [{ a: 2 }] } },
    ],
  ])("%s", (_, before, wanted, patch) =>
    expect(threeWayPatch(before, wanted, current)).toEqual(patch),
  );
});

describe("messages", () => {
  test("name every broken rule on a line of its own", () => {
    const causes = [
      {
        field: "spec.parallelism",
        message: "Invalid value: -1: must be greater than or equal to 0",
      },
      { field: "spec.template.spec.restartPolicy", message: "Required value" },
    ];
    const message = 'Job.batch "pi" is invalid: [spec.parallelism: ..., spec.template...]';
    expect(errorText(new GantryError(422, { message, details: { causes } }))).toBe(
      'Job.batch "pi" is invalid:\n' +
        "  spec.parallelism: Invalid value: -1: must be greater than or equal to 0\n" +
        "  spec.template.spec.restartPolicy: Required value",
    );
  });

  test("leave a single broken rule in the server's words", () => {
    expect(errorText(new GantryError(400, { message: 'unknown field "spec.foo"' }))).toBe(
      'unknown field "spec.foo"',
    );
  });
});

describe("tables", () => {
  const columnDefinitions = [{ name: "Name" }, { name: "Age" }, { name: "Images", priority: 1 }];
  const row = (...cells: unknown[]) => ({ cells, object: { metadata: { namespace: "team" } } });
  const style = { wide: false, namespaces: false, headers: true, prefix: "" };
  test("hide wide columns unless asked, and can show namespaces", () => {
    const table = { columnDefinitions, rows: [row("pi", "5s", "perl"), row("longer", null, "x")] };
    expect(formatTable(table, style)).toBe("NAME     AGE\npi       5s\nlonger   <none>\n");
    expect(formatTable(table, { ...style, wide: true, namespaces: true })).toBe(
      "NAMESPACE   NAME     AGE      IMAGES\nteam        pi       5s       perl\nteam        longer   <none>   x\n",
    );
  });

  test("of a watch have one head and keep their columns", () => {
    const written: string[] = [];
    const writer = new TableWriter((text) => written.push(text), style);
    writer.add({ columnDefinitions, rows: [row("longer", "1s", "")] });
    writer.add({ columnDefinitions: [], rows: [row("pi", "2s", "")] });
    expect(written.join("")).toBe("NAME     AGE\nlonger   1s\npi       2s\n");
  });

  test("outlines align values, go on below, and leave out what is not there", () => {
    const text = formatOutline({
      Name: "pi",
      Labels: ["a=1", "b=2"],
      None: undefined,
      Pod: { Image: "x" },
    });
    expect(text).toBe("Name:    pi\nLabels:  a=1\n         b=2\nPod:\n  Image:  x\n");
  });
});
