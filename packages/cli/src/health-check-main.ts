// The image's health check: exit code 0 when the URL given answers below 500 in time. The image has no curl.
import { request as http } from "node:http";
import { request as https } from "node:https";
import { ownAddress } from "./own-address.ts";

/** Below the platform's own limit, so that it is this that says why. */
const TIMEOUT_MS = 4_000;

const [given = "http://127.0.0.1:7443/livez"] = process.argv.slice(2);

/** Who listens on `0.0.0.0` may listen on the machine's own address alone, as workers do. */
const url = given.replace("//0.0.0.0:", () => `//${ownAddress() ?? "127.0.0.1"}:`);

const fail = (why: string): void => {
  console.error(`health check of ${url}: ${why}`);
  process.exit(1);
};

// On loopback, to a server whose certificate is of its own making: there is nothing to verify.
const options = { timeout: TIMEOUT_MS, rejectUnauthorized: false };
const ask = url.startsWith("https:") ? https : http;
const asked = ask(url, options, (answer) => {
  const status = answer.statusCode ?? 500;
  if (status >= 500) fail(`status ${status}`);
  else process.exit(0);
});
asked.on("timeout", () => fail(`no answer within ${TIMEOUT_MS} ms`));
asked.on("error", (error) => fail(error.message));
asked.end();
