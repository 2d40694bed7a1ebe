// Writes the kubeconfig with which kubectl, client-go and the SDK reach this Gantry.
import { stringify } from "yaml";

export interface KubeconfigSource {
  readonly url: string;
  readonly token: string;
  /** PEM; undefined when the system trusts the server's certificate, or over plain HTTP. */
  readonly ca: string | undefined;
}

export function kubeconfigText(source: KubeconfigSource): string {
  const ca = source.ca && {
    "certificate-authority-data": Buffer.from(source.ca).toString("base64"),
  };
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "gantry", cluster: { server: source.url, ...ca } }],
    users: [{ name: "gantry", user: { token: source.token } }],
    contexts: [
      { name: "gantry", context: { cluster: "gantry", user: "gantry", namespace: "default" } },
    ],
    "current-context": "gantry",
  });
}
