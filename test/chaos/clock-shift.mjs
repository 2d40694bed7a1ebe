// Preloaded into a process under test (`node --import`): its wall clock jumps as the file GANTRY_CHAOS_CLOCK says.
// Monotonic clocks and timers go on as they are, as on a machine whose clock is set.
import { readFileSync } from "node:fs";

const LOOK_EVERY_MS = 100;
const file = process.env["GANTRY_CHAOS_CLOCK"];
const RealDate = Date;
const realNow = Date.now;
let offsetMs = 0;

const look = () => {
  try {
    offsetMs = Number(readFileSync(file, "utf8")) || 0;
  } catch {
    offsetMs = 0;
  }
};

if (file !== undefined) {
  look();
  setInterval(look, LOOK_EVERY_MS).unref();
  RealDate.now = () => realNow() + offsetMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget),
  });
}
