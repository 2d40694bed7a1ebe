// Redis as installations have it beside one server: a Cluster, and a primary that Sentinels watch.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { waitFor } from "./wait-for.ts";

export interface TopologyOptions {
  /** Program of the servers: redis-server, or the path of a valkey-server. */
  readonly program?: string;
  /** A server that is silent for so long is taken for dead; default: as long as no busy machine is. */
  readonly deadAfterMs?: number;
}

/** Redis Cluster's own default; tests of failovers have less patience. */
const DEAD_AFTER_MS = 15_000;

export interface RedisNode {
  readonly port: number;
  /** A connection to this node, whatever its role. */
  readonly client: Redis;
  kill(): Promise<void>;
  /** Stands still, as in a network partition: nobody hears of it, and it forgets nothing. */
  freeze(): void;
  thaw(): void;
  /** On the same directory and port. */
  start(): Promise<void>;
}

export interface Topology {
  /** As `gantry --redis` takes it. */
  readonly url: string;
  readonly nodes: readonly RedisNode[];
  /** Empties all primaries. */
  flush(): Promise<void>;
  /** The node that has this key now. */
  ownerOf(key: string): Promise<RedisNode>;
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";

const freePorts = async (count: number): Promise<number[]> => {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once("error", reject);
          server.listen(0, HOST, () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(
    servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
  );
  return ports;
};

const exited = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });

/** A server with a directory of its own below `root`, that keeps every write. */
const startNode = async (
  root: string,
  port: number,
  settings: readonly string[],
  { program = "redis-server" }: TopologyOptions,
): Promise<RedisNode> => {
  const dir = join(root, String(port));
  await mkdir(dir);
  const args = ["--port", String(port), "--bind", HOST, "--dir", dir, "--save", ""];
  args.push("--appendonly", "yes", "--repl-diskless-sync-delay", "0", ...settings);
  let child: ChildProcess;
  const client = new Redis({ host: HOST, port, retryStrategy: () => 50, lazyConnect: true });
  client.on("error", () => {});
  const start = async (): Promise<void> => {
    child = spawn(program, args, { stdio: "ignore" });
    await waitFor(`the server on port ${port}`, async () =>
      (await client.ping()) === "PONG" ? true : undefined,
    );
  };
  await start();
  return {
    port,
    client,
    start,
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    async kill() {
      child.kill("SIGKILL");
      await exited(child);
    },
  };
};

const stopAll = async (root: string, nodes: readonly RedisNode[]): Promise<void> => {
  for (const { client } of nodes) client.disconnect();
  await Promise.all(nodes.map((node) => node.kill()));
  await rm(root, { recursive: true, force: true });
};

const flushPrimaries = async (nodes: readonly RedisNode[]): Promise<void> => {
  for (const { client } of nodes) {
    const replica = String(await client.info("replication").catch(() => "")).includes("role:slave");
    if (!replica) await client.flushall().catch(() => {});
  }
};

const SLOTS = 16_384;
const PRIMARIES = 3;

const clusterSettings = (busPort: number, deadAfterMs: number): string[] =>
  `--cluster-enabled yes --cluster-config-file nodes.conf --cluster-node-timeout ${deadAfterMs} --cluster-port ${busPort}`.split(
    " ",
  );

/** Three primaries, and with `replicas` one replica of each. */
export const startCluster = async (
  options: TopologyOptions & { readonly replicas?: boolean } = {},
): Promise<Topology> => {
  const { deadAfterMs = DEAD_AFTER_MS } = options;
  const root = await mkdtemp(join(tmpdir(), "gantry-cluster-"));
  const count = options.replicas === true ? 2 * PRIMARIES : PRIMARIES;
  const ports = await freePorts(2 * count);
  const nodes = await Promise.all(
    ports
      .slice(0, count)
      .map((port, n) =>
        startNode(root, port, clusterSettings(ports[count + n] ?? 0, deadAfterMs), options),
      ),
  );
  const primaries = nodes.slice(0, PRIMARIES);
  const [first] = primaries;
  if (first === undefined) throw new Error("no nodes");
  const share = Math.ceil(SLOTS / PRIMARIES);
  for (const [n, { client }] of primaries.entries()) {
    const last = Math.min(SLOTS, (n + 1) * share) - 1;
    await client.call("CLUSTER", "ADDSLOTSRANGE", String(n * share), String(last));
  }
  for (const [n, { port }] of nodes.entries()) {
    const bus = String(ports[count + n]);
    if (n > 0) await first.client.call("CLUSTER", "MEET", HOST, String(port), bus);
  }
  const everyNode = (what: string, look: (node: RedisNode) => Promise<boolean>) =>
    waitFor(what, async () =>
      (await Promise.all(nodes.map(look))).every(Boolean) ? true : undefined,
    );
  const info = async ({ client }: RedisNode): Promise<string> =>
    String(await client.call("CLUSTER", "INFO"));
  await everyNode("the nodes to know each other", async (node) =>
    (await info(node)).includes(`cluster_known_nodes:${count}\r`),
  );
  for (const [n, node] of nodes.slice(PRIMARIES).entries()) {
    const id = String(await primaries[n]?.client.call("CLUSTER", "MYID"));
    await node.client.call("CLUSTER", "REPLICATE", id);
  }
  await everyNode("the Cluster to be ready", async (node) =>
    (await info(node)).includes("cluster_state:ok"),
  );
  for (const node of nodes.slice(PRIMARIES)) {
    await waitFor("the replica to be in step", async () =>
      (await node.client.info("replication")).includes("master_link_status:up") ? true : undefined,
    );
  }
  return {
    url: `redis+cluster://${primaries.map(({ port }) => `${HOST}:${port}`).join(",")}`,
    nodes,
    flush: () => flushPrimaries(nodes),
    ownerOf: (key) =>
      waitFor(`the owner of ${key}`, async () => {
        for (const node of nodes) {
          const found = await node.client.exists(key).then(
            () => true,
            () => false,
          );
          if (found && !(await node.client.info("replication")).includes("role:slave")) return node;
        }
        return undefined;
      }),
    stop: () => stopAll(root, nodes),
  };
};

const PRIMARY_NAME = "gantry";
const SENTINELS = 3;

/** A primary and a replica (nodes 0 and 1 at first), and three Sentinels that watch them. */
export const startSentinels = async (options: TopologyOptions = {}): Promise<Topology> => {
  const root = await mkdtemp(join(tmpdir(), "gantry-sentinels-"));
  const ports = await freePorts(2 + SENTINELS);
  const [primaryPort = 0, replicaPort = 0, ...sentinelPorts] = ports;
  const nodes = [
    await startNode(root, primaryPort, [], options),
    await startNode(root, replicaPort, ["--replicaof", `${HOST} ${primaryPort}`], options),
  ];
  const { program = "redis-server", deadAfterMs = DEAD_AFTER_MS } = options;
  const sentinels = await Promise.all(
    sentinelPorts.map(async (port) => {
      const config = join(root, `sentinel-${port}.conf`);
      await writeFile(
        config,
        [
          `port ${port}`,
          `bind ${HOST}`,
          `dir ${root}`,
          `sentinel monitor ${PRIMARY_NAME} ${HOST} ${primaryPort} 2`,
          `sentinel down-after-milliseconds ${PRIMARY_NAME} ${deadAfterMs}`,
          `sentinel failover-timeout ${PRIMARY_NAME} 5000`,
          "",
        ].join("\n"),
      );
      return spawn(program, [config, "--sentinel"], { stdio: "ignore" });
    }),
  );
  const firstSentinel = new Redis({
    host: HOST,
    port: sentinelPorts[0] ?? 0,
    retryStrategy: () => 50,
  });
  firstSentinel.on("error", () => {});
  await waitFor("the Sentinels to know each other and the replica", async () => {
    const flat = (await firstSentinel.call("SENTINEL", "MASTER", PRIMARY_NAME)) as string[];
    const field = (name: string): string | undefined => flat[flat.indexOf(name) + 1];
    const known = field("num-other-sentinels") === String(SENTINELS - 1);
    return known && field("num-slaves") === "1" ? true : undefined;
  });
  await waitFor("the replica to be in step", async () =>
    (await nodes[1]?.client.info("replication"))?.includes("master_link_status:up")
      ? true
      : undefined,
  );
  const current = (): Promise<RedisNode> =>
    waitFor("the primary", async () => {
      const [, port] = (await firstSentinel.call(
        "SENTINEL",
        "GET-MASTER-ADDR-BY-NAME",
        PRIMARY_NAME,
      )) as [string, string];
      return nodes.find((node) => String(node.port) === port);
    });
  const hosts = sentinelPorts.map((port) => `${HOST}:${port}`).join(",");
  return {
    url: `redis+sentinel://${hosts}/${PRIMARY_NAME}`,
    nodes,
    flush: () => flushPrimaries(nodes),
    ownerOf: current,
    async stop() {
      firstSentinel.disconnect();
      for (const child of sentinels) child.kill("SIGKILL");
      await Promise.all(sentinels.map(exited));
      await stopAll(root, nodes);
    },
  };
};

/** One server, on a port. */
export const startSingle = async (options: TopologyOptions = {}): Promise<Topology> => {
  const root = await mkdtemp(join(tmpdir(), "gantry-single-"));
  const [port = 0] = await freePorts(1);
  const node = await startNode(root, port, [], options);
  return {
    url: `redis://${HOST}:${port}`,
    nodes: [node],
    flush: () => flushPrimaries([node]),
    ownerOf: () => Promise.resolve(node),
    stop: () => stopAll(root, [node]),
  };
};
