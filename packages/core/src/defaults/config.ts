// Defaults of Secrets and Namespaces.
import type { Secret } from "../schema/config.ts";
import type { Namespace } from "../schema/namespace.ts";

/** `stringData` is written over `data`, never read back. `encode`: text to base64 of its UTF-8. */
export function defaultSecret(secret: Secret, encode: (text: string) => string): Secret {
  const { stringData, ...rest } = secret;
  const written = Object.entries(stringData ?? {}).map(([key, text]) => [key, encode(text)]);
  return {
    ...rest,
    ...(written.length > 0 && { data: { ...secret.data, ...Object.fromEntries(written) } }),
    type: secret.type || "Opaque",
  };
}

/** The label names the namespace, for selectors. */
export function defaultNamespace(namespace: Namespace): Namespace {
  const name = namespace.metadata?.name;
  return {
    ...namespace,
    metadata: {
      ...namespace.metadata,
      ...(name && {
        labels: { ...namespace.metadata?.labels, "kubernetes.io/metadata.name": name },
      }),
    },
    spec: { ...namespace.spec, finalizers: namespace.spec?.finalizers ?? ["kubernetes"] },
    status: { ...namespace.status, phase: namespace.status?.phase ?? "Active" },
  };
}
