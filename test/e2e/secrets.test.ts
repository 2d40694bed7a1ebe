// Secrets at rest: nothing readable on disk, readable to Pods and clients, through a change of keys.
import { randomBytes } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DirectClient } from "../support/direct-client.ts";
import { gantryUp, type Installation } from "../support/gantry.ts";
import { waitFor } from "../support/wait-for.ts";

const PASSWORD = "correct-horse-battery-staple";
const ENCODED = Buffer.from(PASSWORD).toString("base64");
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
const path = "/api/v1/namespaces/default/secrets";

let gantry: Installation;
let client: DirectClient;
let keyFile: string;
beforeAll(async () => {
  gantry = await gantryUp();
  client = await DirectClient.of(gantry.kubeconfig);
  keyFile = join(gantry.dataDir, "secrets-key");
});
afterAll(async () => {
  client.close();
  await gantry.stop();
});

interface Secret {
  readonly metadata: { readonly annotations: Record<string, string> };
  readonly data: Record<string, string>;
}

const secret = async (name: string): Promise<Secret> =>
  JSON.parse(await client.send("GET", `${path}/${name}`)) as Secret;

/** All that was written below the data directory, and what the process said. */
const written = async (): Promise<string> => {
  const entries = await readdir(gantry.dataDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(
    files.map(({ parentPath, name }) => readFile(join(parentPath, name), "latin1").catch(() => "")),
  );
  return texts.join("\n") + gantry.process.stderr;
};

const restart = async (): Promise<void> => {
  await gantry.process.stop();
  await gantry.restart();
  client.close();
  client = await DirectClient.of(gantry.kubeconfig);
};

test("the key is made at the first start, for its owner only", async () => {
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
});

test("clients read what they wrote; the disk has neither the data nor kubectl's copy", async () => {
  const annotations = { [LAST_APPLIED]: JSON.stringify({ data: { password: ENCODED } }) };
  const metadata = { name: "db", annotations };
  await client.send("POST", path, { metadata, stringData: { password: PASSWORD } });
  expect(await secret("db")).toMatchObject({ metadata, data: { password: ENCODED } });
  const { items } = JSON.parse(await client.send("GET", path)) as { items: Secret[] };
  expect(items.map(({ data }) => data)).toEqual([{ password: ENCODED }]);
  const text = await written();
  expect(text).toContain('"sealed"');
  expect(text).not.toContain(PASSWORD);
  expect(text).not.toContain(ENCODED);
});

test("a Pod gets the Secret in its environment", async () => {
  const valueFrom = { secretKeyRef: { name: "db", key: "password" } };
  await gantry.client.jobs.submit({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "reads" },
    spec: {
      template: {
        spec: {
          restartPolicy: "Never",
          containers: [
            {
              name: "main",
              image: "busybox",
              // Its length, so that the log does not have it.
              command: ["sh", "-c", "printf %s $PASSWORD | wc -c"],
              env: [{ name: "PASSWORD", valueFrom }],
            },
          ],
        },
      },
    },
  } as never);
  await waitFor("the Job to complete", async () =>
    (await gantry.client.jobs.get("reads")).status?.succeeded === 1 ? true : undefined,
  );
  const lines: string[] = [];
  for await (const { line } of gantry.client.jobs.logs("reads")) lines.push(line.trim());
  expect(lines).toEqual([String(PASSWORD.length)]);
});

test("keys rotate: the old one opens until its Secrets are written again", async () => {
  const old = await readFile(keyFile, "utf8");
  const fresh = `${randomBytes(32).toString("base64")}\n`;
  await writeFile(keyFile, fresh + old);
  await restart();
  const found = await secret("db");
  expect(found.data).toEqual({ password: ENCODED });
  await client.send("PUT", `${path}/db`, found);
  await writeFile(keyFile, fresh);
  await restart();
  expect((await secret("db")).data).toEqual({ password: ENCODED });
});

test("with another key it does not start, and says what to do", async () => {
  const other = randomBytes(32).toString("base64");
  await gantry.process.stop();
  await writeFile(keyFile, `${other}\n`);
  const refusal = await gantry.restart().then(
    () => "",
    (error: Error) => error.message,
  );
  const [, id] = /encrypted under key "([\w-]{8})"/.exec(refusal) ?? [];
  expect(refusal).toContain(`add the line "lost ${id}" to the key file`);
  expect(refusal).not.toContain(other);

  await writeFile(keyFile, `lost ${id}\n${other}\n`);
  await gantry.restart();
  client.close();
  client = await DirectClient.of(gantry.kubeconfig);
});

test("without its key a Secret is not shown, and the error does not tell it", async () => {
  await expect(client.send("GET", `${path}/db`)).rejects.toThrow(
    /the Secret default\/db can't be read: it is encrypted under key [\w-]{8}/,
  );
  const listed = await client.send("GET", path);
  expect(listed).toContain('"gantry.dev/unreadable":"it is encrypted under key');
  expect(listed).not.toContain(ENCODED);
});
