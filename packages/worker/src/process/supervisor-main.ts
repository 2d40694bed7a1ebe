// The supervisor: runs the Pods of one data directory and outlives the worker that started it.
// Started as `node supervisor-main.js DATA_DIR VERSION IDLE_MS AWAY_MS`; descriptor 3 is told when it is ready.
import { closeSync, writeSync } from "node:fs";
import { SupervisorServer } from "./supervisor-server.ts";

const READY_DESCRIPTOR = 3;
const [dataDir = "", version = "", idleMs = "5000", awayMs = "45000"] = process.argv.slice(2);

// Each Pod is a state machine of its own. A fault in one must not end all others, and ending this
// process would: it goes to the log that is our standard error.
process.on("uncaughtException", (error) => {
  process.stderr.write(`${new Date().toISOString()} ${error.stack ?? error.message}\n`);
});

const server = new SupervisorServer({
  dataDir,
  version,
  idleMs: Number(idleMs),
  awayMs: Number(awayMs),
});
process.on("SIGTERM", () => void server.stopAll());
// A terminal's end and Ctrl-C are the worker's to handle.
process.on("SIGHUP", () => {});
process.on("SIGINT", () => {});
try {
  await server.listen();
} catch (error) {
  // Without its registration (a full disk) no worker would find it, and nobody would end it.
  process.stderr.write(`${new Date().toISOString()} ${String(error)}\n`);
  process.exit(1);
}
try {
  writeSync(READY_DESCRIPTOR, "ready\n");
  closeSync(READY_DESCRIPTOR);
} catch {
  // The worker is gone already; another will find the registration.
}
