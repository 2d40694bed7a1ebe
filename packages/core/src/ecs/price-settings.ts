// Prices of capacity, by which sizes are chosen and costs are estimated.
import { z } from "zod";

const price = z.number().min(0);

const rate = (vcpuSecond: number, gbSecond: number) =>
  z.strictObject({ vcpuSecond: price, gbSecond: price }).default({ vcpuSecond, gbSecond });

/** Defaults are Fargate's in us-east-1. */
export const priceSettings = z.strictObject({
  currency: z.string().min(1).default("USD"),
  amd64: rate(0.000011244, 0.000001235),
  arm64: rate(0.000008994, 0.000000989),
  /** What Spot costs, as a share of the price on demand; it varies by Region and time. */
  spotShare: z.number().min(0).max(1).default(0.3),
  /** Ephemeral storage beyond the 20 GiB that are free, by GB and second. */
  storageGbSecond: price.default(0.0000000308),
});
export type PriceSettings = z.infer<typeof priceSettings>;
