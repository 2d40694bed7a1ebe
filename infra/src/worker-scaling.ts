// Workers by demand: as many that the Pods that run and wait take the targeted share of their places.
import { Duration } from "aws-cdk-lib";
import type { FargateService } from "aws-cdk-lib/aws-ecs";
import type { Config } from "./config.ts";
import type { LogMetrics } from "./observability.ts";

/** A new worker takes Pods within a minute; a Pod that waits must not wait for another round. */
const OUT_COOLDOWN = Duration.minutes(1);

/** A stopping worker hands its Pods over, which others have to take up: seldom, then. */
const IN_COOLDOWN = Duration.minutes(10);

/** The metric falls in proportion as workers are added, which is what target tracking asks for. */
export const scaleWorkers = (
  service: FargateService,
  { worker }: Config,
  metrics: LogMetrics,
): void => {
  const scaling = service.autoScaleTaskCount({ minCapacity: worker.min, maxCapacity: worker.max });
  scaling.scaleToTrackCustomMetric("Places", {
    metric: metrics.load("PlacesUsedPercent"),
    targetValue: worker.targetUtilizationPercent,
    scaleOutCooldown: OUT_COOLDOWN,
    scaleInCooldown: IN_COOLDOWN,
  });
};
