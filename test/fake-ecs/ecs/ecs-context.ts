// What the operations of ECS share.
import type { Clock } from "../clock.ts";
import type { Faults } from "../faults.ts";
import type { Journal } from "../journal.ts";
import type { RateLimits } from "../rates.ts";
import type { Settings } from "../settings.ts";
import { AwsError } from "../wire/aws-error.ts";
import { Account } from "./account.ts";
import { Arns, lastPart } from "./arns.ts";
import { Capacity } from "./capacity.ts";
import { ClientTokens } from "./client-tokens.ts";
import { Definitions } from "./definitions.ts";

export class EcsContext {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly journal: Journal;
  readonly rates: RateLimits;
  readonly account: Account;
  readonly arns: Arns;
  readonly capacity: Capacity;
  readonly definitions: Definitions;
  readonly tokens: ClientTokens;

  constructor(
    settings: Settings,
    clock: Clock,
    faults: Faults,
    journal: Journal,
    rates: RateLimits,
  ) {
    this.settings = settings;
    this.clock = clock;
    this.faults = faults;
    this.journal = journal;
    this.rates = rates;
    this.account = new Account(settings);
    this.arns = new Arns(settings);
    this.capacity = new Capacity(this.arns, settings.quotas, settings.clusters, settings.instances);
    this.definitions = new Definitions(this.arns, this.account, clock, settings.allow32Vcpu);
    this.tokens = new ClientTokens(clock);
  }

  hasCluster(nameOrArn: string): boolean {
    const name = lastPart(nameOrArn);
    const known = this.account.clusters.includes(name);
    return known && (nameOrArn === name || nameOrArn === this.arns.cluster(name));
  }

  /** The cluster's name; `default` when none is given. */
  cluster(nameOrArn: string | undefined): string {
    const given = nameOrArn ?? "default";
    if (!this.hasCluster(given))
      throw new AwsError("ClusterNotFoundException", "Cluster not found.");
    return lastPart(given);
  }
}
