// Printer columns of Services: `kubectl get all` asks for them even where there are none.
import type { ObjectMeta } from "../schema/meta.ts";
import { age } from "./age.ts";
import { ageColumn, column, nameColumn, NONE, wideColumn } from "./column.ts";
import type { Printer } from "./column.ts";

interface ServicePort {
  readonly port?: number | undefined;
  readonly nodePort?: number | undefined;
  readonly protocol?: string | undefined;
}

/** The part of a Service that is shown. */
export interface PrintedService {
  readonly metadata?: ObjectMeta | undefined;
  readonly spec?:
    | {
        readonly type?: string | undefined;
        readonly clusterIPs?: readonly string[] | undefined;
        readonly externalIPs?: readonly string[] | undefined;
        readonly externalName?: string | undefined;
        readonly ports?: readonly ServicePort[] | undefined;
        readonly selector?: Readonly<Record<string, string>> | undefined;
      }
    | undefined;
  readonly status?:
    | {
        readonly loadBalancer?:
          | {
              readonly ingress?:
                | readonly {
                    readonly ip?: string | undefined;
                    readonly hostname?: string | undefined;
                  }[]
                | undefined;
            }
          | undefined;
      }
    | undefined;
}

const joined = (texts: readonly string[]): string => (texts.length === 0 ? NONE : texts.join(","));

function externalIp({ spec, status }: PrintedService): string {
  const external = spec?.externalIPs ?? [];
  if (spec?.type === "ExternalName") return spec.externalName ?? "";
  if (spec?.type !== "LoadBalancer") return joined(external);
  const ingress = (status?.loadBalancer?.ingress ?? []).map((point) => point.ip || point.hostname);
  const all = [...ingress.filter((text) => text !== undefined && text !== ""), ...external];
  return all.length === 0 ? "<pending>" : all.join(",");
}

const portText = ({ port, nodePort, protocol }: ServicePort): string =>
  nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;

export const servicePrinter: Printer<PrintedService> = {
  columns: [
    nameColumn,
    column("Type", "How the Service is reached."),
    column("Cluster-IP", "Address within the network of the workers."),
    column("External-IP", "Addresses from outside."),
    column("Port(s)", "Ports that the Service listens on."),
    ageColumn,
    wideColumn("Selector", "Label query over the Pods behind the Service."),
  ],
  cells: (service, nowMs) => [
    service.metadata?.name ?? "",
    service.spec?.type ?? "",
    service.spec?.clusterIPs?.[0] ?? NONE,
    externalIp(service),
    joined((service.spec?.ports ?? []).map(portText)),
    age(service.metadata?.creationTimestamp, nowMs),
    joined(
      Object.entries(service.spec?.selector ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .toSorted(),
    ),
  ],
};
