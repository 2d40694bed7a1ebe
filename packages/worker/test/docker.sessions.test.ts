// The sessions of the docker runtime with a real engine.
import { afterAll, beforeAll, describe, expect } from "vitest";
import { noEngine } from "../testing/dockerd.ts";
import { busybox, DockerTrials } from "./docker-trial.ts";
import { sessionSuite } from "./session-suite.ts";

describe.skipIf(noEngine !== null)(`a real engine (${noEngine ?? "here"})`, () => {
  let trials: DockerTrials;
  beforeAll(async () => {
    trials = await DockerTrials.start();
  });
  afterAll(() => trials?.stop());

  sessionSuite(() => trials.open("sessions"), {
    shell: busybox,
    // Engines differ in which of the two they say.
    missing: (end) => expect(end).toMatchObject({ exitCode: expect.toBeOneOf([126, 127]) }),
  });
});
