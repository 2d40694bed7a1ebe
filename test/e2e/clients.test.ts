// Clients that speak Kubernetes, unmodified, with the kubeconfig that `gantry up` writes.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import {
  BatchV1Api,
  CoreV1Api,
  KubeConfig,
  Log,
  makeInformer,
  type V1ConfigMap,
  type V1Job,
  Watch,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DirectClient } from "../support/direct-client.ts";
import { gantryUp, type Installation, runProgram } from "../support/gantry.ts";
import { waitFor } from "../support/wait-for.ts";

const kubectlIsThere = await runProgram("kubectl", ["version", "--client"]).then(
  ({ code }) => code === 0,
  () => false,
);

let gantry: Installation;
let config: KubeConfig;
let batch: BatchV1Api;
let core: CoreV1Api;
/** Keeps its connections, which client-node does not: for the many writes of a test. */
let direct: DirectClient;
beforeAll(async () => {
  gantry = await gantryUp();
  config = new KubeConfig();
  config.loadFromFile(gantry.kubeconfig);
  batch = config.makeApiClient(BatchV1Api);
  core = config.makeApiClient(CoreV1Api);
  direct = await DirectClient.of(gantry.kubeconfig);
});
afterAll(async () => {
  direct.close();
  await gantry.stop();
});

const namespace = "default";

const job = (name: string, ...command: string[]): V1Job => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name },
  spec: {
    template: {
      spec: { restartPolicy: "Never", containers: [{ name: "main", image: "busybox", command }] },
    },
  },
});

const completed = (name: string): Promise<V1Job> =>
  waitFor(`job ${name} to complete`, async () => {
    const found = await batch.readNamespacedJob({ name, namespace });
    return found.status?.succeeded === 1 ? found : undefined;
  });

describe("@kubernetes/client-node", () => {
  test("BatchV1Api: create, read, list, patch, replace, delete; dates are dates", async () => {
    const body = job("typed", "true");
    const created = await batch.createNamespacedJob({ namespace, body });
    expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
    expect(created.spec).toMatchObject({ parallelism: 1, completions: 1, backoffLimit: 6 });
    const done = await completed("typed");
    expect(done.status?.conditions?.map(({ type }) => type)).toEqual([
      "SuccessCriteriaMet",
      "Complete",
    ]);
    const patched = await batch.patchNamespacedJob({
      name: "typed",
      namespace,
      body: [{ op: "add", path: "/metadata/labels/team", value: "a" }],
    });
    expect(patched.metadata?.labels?.["team"]).toBe("a");
    const replaced = await batch.replaceNamespacedJob({
      name: "typed",
      namespace,
      body: { ...patched, metadata: { ...patched.metadata, annotations: { note: "é" } } },
    });
    expect(replaced.metadata?.annotations).toEqual({ note: "é" });
    const listed = await batch.listNamespacedJob({ namespace, labelSelector: "team=a" });
    expect(listed.items.map(({ metadata }) => metadata?.name)).toEqual(["typed"]);
    await batch.deleteNamespacedJob({ name: "typed", namespace, propagationPolicy: "Background" });
    await expect(batch.readNamespacedJob({ name: "typed", namespace })).rejects.toMatchObject({
      code: 404,
    });
  });

  test("a conflict is 409 for the client that is behind", async () => {
    const body: V1ConfigMap = { metadata: { name: "race" }, data: { n: "0" } };
    const first = await core.createNamespacedConfigMap({ namespace, body });
    const ours = { ...first, data: { n: "1" } };
    await core.replaceNamespacedConfigMap({ name: "race", namespace, body: ours });
    const late = core.replaceNamespacedConfigMap({ name: "race", namespace, body: ours });
    await expect(late).rejects.toMatchObject({ code: 409 });
  });

  test("CoreV1Api and Log: a Job's Pod and what it wrote", async () => {
    const body = job("says", "sh", "-c", "echo one; echo two");
    await batch.createNamespacedJob({ namespace, body });
    await completed("says");
    const pods = await core.listNamespacedPod({ namespace, labelSelector: "job-name=says" });
    const name = pods.items[0]?.metadata?.name ?? "";
    expect(pods.items[0]?.status?.phase).toBe("Succeeded");
    expect(await core.readNamespacedPodLog({ name, namespace })).toBe("one\ntwo\n");
    const stream = new PassThrough();
    let text = "";
    stream.on("data", (data: Buffer) => (text += data.toString()));
    await new Log(config).log(namespace, name, "main", stream, { tailLines: 1, timestamps: true });
    await waitFor("the log", () => (text.endsWith("\n") ? true : undefined));
    expect(text).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z two\n$/);
  });

  test("Watch: a Job's way from its creation to its end", async () => {
    const { metadata } = await batch.listNamespacedJob({ namespace });
    const seen: string[] = [];
    const request = await new Watch(config).watch(
      `/apis/batch/v1/namespaces/${namespace}/jobs`,
      { resourceVersion: metadata?.resourceVersion ?? "", allowWatchBookmarks: true },
      (type: string, object: V1Job) => {
        if (object.metadata?.name === "watched") seen.push(type);
      },
      () => {},
    );
    await batch.createNamespacedJob({ namespace, body: job("watched", "true") });
    await completed("watched");
    await batch.deleteNamespacedJob({
      name: "watched",
      namespace,
      propagationPolicy: "Background",
    });
    await waitFor("the deletion", () => (seen.includes("DELETED") ? true : undefined));
    request.abort();
    expect(seen[0]).toBe("ADDED");
    expect(seen.at(-1)).toBe("DELETED");
    expect(new Set(seen.slice(1, -1))).toEqual(new Set(["MODIFIED"]));
  });
});

/** Objects that the informer has to follow. */
const OBJECTS = 10_000;
const PARALLEL = 32;
const INFORMER_MS = 110_000;

/** Does something for each number, several at once. */
const forEach = async (count: number, work: (n: number) => Promise<unknown>): Promise<void> => {
  const numbers = Array.from({ length: count }, (_, n) => n).values();
  const worker = async (): Promise<void> => {
    for (const n of numbers) await work(n);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
};

test(
  `an informer stays correct while ${OBJECTS.toLocaleString("en")} objects change`,
  { timeout: INFORMER_MS },
  async () => {
    const informed = "informed";
    await core.createNamespace({ body: { metadata: { name: informed } } });
    const list = () => core.listNamespacedConfigMap({ namespace: informed });
    const informer = makeInformer<V1ConfigMap>(
      config,
      `/api/v1/namespaces/${informed}/configmaps`,
      list,
    );
    const errors: unknown[] = [];
    informer.on("error", (error) => errors.push(error));
    await informer.start();
    const path = `/api/v1/namespaces/${informed}/configmaps`;
    await forEach(OBJECTS, (n) =>
      direct.send("POST", path, { metadata: { name: `c-${n}` }, data: { state: "new" } }),
    );
    // A third is deleted, a third changed, while the informer may still be busy with the creations.
    await forEach(OBJECTS, async (n) => {
      if (n % 3 === 0) await direct.send("DELETE", `${path}/c-${n}`);
      if (n % 3 === 1) await direct.send("PATCH", `${path}/c-${n}`, { data: { state: "changed" } });
    });
    const versions = (items: readonly V1ConfigMap[]): string[] =>
      items
        .map(
          ({ metadata, data }) =>
            `${metadata?.name} ${metadata?.resourceVersion} ${data?.["state"] ?? ""}`,
        )
        .toSorted();
    const expected = versions((await list()).items);
    expect(expected).toHaveLength(OBJECTS - Math.ceil(OBJECTS / 3) + 1);
    await waitFor(
      "the informer to have what the list has",
      () => (informer.list(informed).length === expected.length ? true : undefined),
      30_000,
    );
    expect(versions(informer.list(informed))).toEqual(expected);
    expect(errors).toEqual([]);
    await informer.stop();
  },
);

describe.skipIf(!kubectlIsThere)("kubectl (skipped where it is not on the PATH)", () => {
  const kubectl = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await gantry.kubectl(...args);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: exit ${code}: ${stderr}`);
    return stdout;
  };

  const write = async (path: string, ...lines: string[]): Promise<string> => {
    const file = join(gantry.dataDir, "clients", path);
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, `${lines.join("\n")}\n`);
    return file;
  };

  test("apply -k: a Kustomize overlay with a generated ConfigMap that its Job reads", async () => {
    await write(
      "base/job.yaml",
      "apiVersion: batch/v1",
      "kind: Job",
      "metadata: {name: report}",
      "spec:",
      "  template:",
      "    spec:",
      "      restartPolicy: Never",
      "      containers:",
      "      - {name: main, image: busybox, command: [sh, -c, 'echo $GREETING'],",
      "         envFrom: [{configMapRef: {name: settings}}]}",
    );
    await write("base/kustomization.yaml", "resources: [job.yaml]");
    await write(
      "overlay/kustomization.yaml",
      "resources: [../base]",
      "namePrefix: nightly-",
      "namespace: default",
      "labels: [{pairs: {team: data}}]",
      "configMapGenerator: [{name: settings, literals: [GREETING=hello]}]",
      "patches:",
      "- target: {kind: Job}",
      "  patch: |-",
      "    - {op: add, path: /spec/backoffLimit, value: 2}",
    );
    const overlay = join(gantry.dataDir, "clients/overlay");
    const applied = await kubectl("apply", "-k", overlay);
    expect(applied).toMatch(
      /^configmap\/nightly-settings-\w+ created\njob.batch\/nightly-report created\n$/,
    );
    await kubectl("wait", "--for=condition=complete", "job/nightly-report", "--timeout=60s");
    expect(await kubectl("logs", "job/nightly-report")).toBe("hello\n");
    const shown = "jsonpath={.metadata.labels.team} {.spec.backoffLimit}";
    expect(await kubectl("get", "job", "nightly-report", "-o", shown)).toBe("data 2");
    expect(await kubectl("apply", "-k", overlay)).toMatch(/unchanged\n.* unchanged\n$/);
    expect(await kubectl("diff", "-k", overlay)).toBe("");
    expect(await kubectl("delete", "-k", overlay)).toMatch(/deleted.*\n.*deleted/);
  });

  test("server-side apply: shared, refused, taken over, given up", async () => {
    const by = (manager: string, file: string, ...more: string[]) =>
      gantry.kubectl("apply", "--server-side", `--field-manager=${manager}`, "-f", file, ...more);
    const head = ["apiVersion: v1", "kind: ConfigMap", "metadata: {name: shared}", "data:"];
    const both = await write("both.yaml", ...head, "  a: one", "  b: one");
    const other = await write("other.yaml", ...head, "  b: two", "  c: two");
    const fewer = await write("fewer.yaml", ...head, "  a: one");
    expect((await by("first", both)).stdout).toBe("configmap/shared serverside-applied\n");
    const refused = await by("second", other);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      'Apply failed with 1 conflict: conflict with "first": .data.b',
    );
    expect((await by("second", other, "--force-conflicts")).code).toBe(0);
    const data = () => kubectl("get", "cm", "shared", "-o", "jsonpath={.data}");
    expect(JSON.parse(await data())).toEqual({ a: "one", b: "two", c: "two" });
    // What the first gives up stays while the second wants it.
    expect((await by("first", fewer)).code).toBe(0);
    expect(JSON.parse(await data())).toEqual({ a: "one", b: "two", c: "two" });
    expect((await by("second", fewer)).code).toBe(0);
    expect(JSON.parse(await data())).toEqual({ a: "one" });
    const managers = await kubectl(
      "get",
      "cm",
      "shared",
      "--show-managed-fields",
      "-o",
      "jsonpath={range .metadata.managedFields[*]}{.manager}={.operation} {end}",
    );
    expect(managers.trim().split(" ").toSorted()).toEqual(["first=Apply", "second=Apply"]);
  });
});
