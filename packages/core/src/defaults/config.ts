// Defaults of Secrets and Namespaces.
import { blank } from "../apimachinery/blank.ts";
import type { Secret } from "../schema/config.ts";
import type { Namespace } from "../schema/namespace.ts";

/** `stringData` is written over `data`, never read back. `encode`: text to base64 of its UTF-8. */
export function defaultSecret(secret: Secret, encode: (text: string) => string): Secret {
  const { stringData, ...rest } = secret;
  const written = Object.entries(stringData ?? {}).map(([key, text]) => [key, encode(text)]);
  return {
    ...blank,
    ...rest,
    ...(written.length > 0 && {
      data: { ...blank, ...secret.data, ...Object.fromEntries(written) },
    }),
    type: secret.type || "Opaque",
  };
}

/** The label names the namespace, for selectors. */
export function defaultNamespace(namespace: Namespace): Namespace {
  const name = namespace.metadata?.name;
  return {
    ...blank,
    ...namespace,
    metadata: {
      ...blank,
      ...namespace.metadata,
      ...(name && {
        labels: { ...blank, ...namespace.metadata?.labels, "kubernetes.io/metadata.name": name },
      }),
    },
    spec: { ...blank, ...namespace.spec, finalizers: namespace.spec?.finalizers ?? ["kubernetes"] },
    status: { ...blank, ...namespace.status, phase: namespace.status?.phase ?? "Active" },
  };
}
