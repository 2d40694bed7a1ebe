// @gantry/cli: what other packages (tests, benchmarks) start Gantry with.
export { dataDir, type DataDir } from "./data-dir.ts";
export { type EmbeddedRedis, startEmbeddedRedis } from "./redis/embedded.ts";
export { type Engine, type EngineOptions, startEngine } from "./server/engine.ts";
