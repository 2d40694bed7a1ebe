// The private Docker Engine of tests, shared with the worker's own tests.
export {
  BUSYBOX,
  canBePrivileged,
  importImage,
  noEngine,
  PAUSE,
  startEngine,
  type TestEngine,
} from "@gantry/worker/testing/dockerd";
