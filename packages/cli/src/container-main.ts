// What the container image starts: the `gantry` program, after taking what it was given from the environment.
import { takeEnvironment } from "./container-environment.ts";

takeEnvironment(process.env);
await import("./main.ts");
