// The private Redis of tests, shared with the packages' own tests.
export { startRedis, type TestRedis } from "@gantry/store/testing/redis-server";
