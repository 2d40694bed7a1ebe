// A registry of one image, over plain HTTP on the loopback address, which engines accept.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

export interface SmallRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Whether the image is there yet. */
  stocked: boolean;
  readonly pulls: () => number;
  close(): Promise<void>;
}

const digestOf = (data: Buffer): string =>
  `sha256:${createHash("sha256").update(data).digest("hex")}`;

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG = "application/vnd.docker.container.image.v1+json";
const LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/** `credentials` is `user:password`. Serves the layer as repository `small`, with any tag. */
export const smallRegistry = async (
  layer: Buffer,
  credentials: string | undefined,
): Promise<SmallRegistry> => {
  const packed = gzipSync(layer);
  const config = json({
    architecture: { x64: "amd64", arm64: "arm64" }[process.arch as string] ?? process.arch,
    os: "linux",
    config: { Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
    history: [{ created_by: "a test" }],
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, size: config.length, digest: digestOf(config) },
    layers: [{ mediaType: LAYER, size: packed.length, digest: digestOf(packed) }],
  });
  const blobs = new Map([config, packed].map((blob) => [digestOf(blob), blob]));
  let manifests = 0;
  const wanted =
    credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString("base64")}`;
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { url = "", method } = request;
    const send = (status: number, type: string, body: Buffer): void => {
      response.writeHead(status, {
        "content-type": type,
        "content-length": body.length,
        "docker-content-digest": digestOf(body),
      });
      response.end(method === "HEAD" ? undefined : body);
    };
    if (wanted !== undefined && request.headers.authorization !== wanted) {
      response.setHeader("www-authenticate", 'Basic realm="small"');
      return send(401, "application/json", json({ errors: [{ code: "UNAUTHORIZED" }] }));
    }
    if (url === "/v2/") return send(200, "application/json", json({}));
    if (registry.stocked && url.startsWith("/v2/small/manifests/")) {
      if (method === "GET") manifests += 1;
      return send(200, MANIFEST, manifest);
    }
    const blob = blobs.get(url.replace("/v2/small/blobs/", ""));
    if (blob !== undefined) return send(200, "application/octet-stream", blob);
    send(404, "application/json", json({ errors: [{ code: "MANIFEST_UNKNOWN" }] }));
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const registry: SmallRegistry = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stocked: true,
    pulls: () => manifests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return registry;
};
