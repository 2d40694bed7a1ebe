// The Redis that a run of the end-to-end tests shares, where GANTRY_TEST_REDIS names one (npm run test:topologies).
import { connect } from "@gantry/store";
import { Redis } from "ioredis";

/** Of a Cluster, Sentinels or another server; without it each test has a Redis of its own. */
export const sharedRedisUrl = process.env["GANTRY_TEST_REDIS"];

/** Nothing of the test before is left. */
export const emptySharedRedis = async (url: string): Promise<void> => {
  const client = connect({ url });
  try {
    await client.exists("{gantry}:rv");
    const primaries = client instanceof Redis ? [client] : client.nodes("master");
    await Promise.all(primaries.map((one) => one.flushall()));
  } finally {
    client.disconnect();
  }
};
