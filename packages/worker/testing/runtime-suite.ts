// The shared suite of runtimes, for those whose tests need more than this package.
export {
  launch,
  logText,
  runnable,
  runtimeSuite,
  shell,
  Trial,
  until,
  type Lack,
} from "../test/runtime-suite.ts";
