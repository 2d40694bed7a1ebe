// What the account has and allows: an operator may change it while the fake runs.
import type { Settings } from "../settings.ts";
import { AwsError, invalidParameter } from "../wire/aws-error.ts";

type Given = Pick<Settings, "account" | "clusters" | "passableRoles" | "subnets">;

export class Account {
  readonly #id: string;
  clusters: readonly string[];
  /** `null`: every subnet exists. */
  subnets: readonly string[] | null;
  /** `null`: every role may be passed. */
  passableRoles: readonly string[] | null;

  constructor({ account, clusters, subnets, passableRoles }: Given) {
    this.#id = account;
    this.clusters = clusters;
    this.subnets = subnets;
    this.passableRoles = passableRoles;
  }

  /** Throws as both RegisterTaskDefinition and RunTask do for a role that may not be passed. */
  checkRoles(roles: readonly (string | undefined)[]): void {
    const denied = roles.find(
      (role) => role !== undefined && this.passableRoles?.includes(role) === false,
    );
    if (denied === undefined) return;
    const who = `User: arn:aws:iam::${this.#id}:user/fake`;
    const text = `${who} is not authorized to perform: iam:PassRole on resource: ${denied} because no identity-based policy allows the iam:PassRole action`;
    throw new AwsError("AccessDeniedException", text);
  }

  checkSubnets(wanted: readonly string[]): void {
    const unknown = wanted.find((id) => this.subnets?.includes(id) === false);
    if (unknown === undefined) return;
    const text = `Error retrieving subnet information for [${wanted.join(", ")}]: The subnet ID '${unknown}' does not exist (ErrorCode: InvalidSubnetID.NotFound)`;
    throw invalidParameter(text);
  }
}
