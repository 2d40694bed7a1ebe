// What `cdk` runs: reads the file named by `-c config=FILE` and builds the app.
import { fileURLToPath } from "node:url";
import { App } from "aws-cdk-lib";
import { ConfigError, readConfig } from "./config.ts";
import { gantryApp } from "./gantry-app.ts";

const EXAMPLE = fileURLToPath(new URL("../gantry.example.json", import.meta.url));

try {
  // The CLI hands context over by the environment, where only an App reads it.
  const given: unknown = new App().node.tryGetContext("config");
  gantryApp(readConfig(typeof given === "string" ? given : EXAMPLE));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
