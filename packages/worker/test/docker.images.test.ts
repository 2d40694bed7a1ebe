// Images: pull policies, registries' credentials, and what a Pod shows while it can't have its image.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { busyboxArchive, noEngine } from "../testing/dockerd.ts";
import type { DockerRuntime } from "../src/docker/docker-runtime.ts";
import { busybox, DockerTrials, quickBackoff, runOn } from "./docker-trial.ts";
import { launch, runnable, until } from "./runtime-suite.ts";
import { smallRegistry, type SmallRegistry } from "./small-registry.ts";

describe.skipIf(noEngine !== null)(`images (${noEngine ?? "a real engine"})`, () => {
  let trials: DockerTrials;
  let runtime: DockerRuntime;
  let open: SmallRegistry;
  let guarded: SmallRegistry;
  beforeAll(async () => {
    trials = await DockerTrials.start();
    runtime = await trials.open("images", { backoff: quickBackoff });
    const layer = busyboxArchive();
    [open, guarded] = [
      await smallRegistry(layer, undefined),
      await smallRegistry(layer, "user:pass:word"),
    ];
  });
  afterAll(async () => {
    await trials?.stop();
    await open?.close();
    await guarded?.close();
  });

  test("Always pulls each time, IfNotPresent once; Pulling and Pulled with the time it took", async () => {
    const image = `${open.host}/small:1`;
    const container = busybox("exit 0", { image, imagePullPolicy: "Always" });
    const { trial, last } = await runOn(runtime, { containers: [container] });
    expect(last.phase).toBe("Succeeded");
    expect(last.containers[0]?.imageID).toMatch(
      new RegExp(`^${open.host}/small@sha256:[0-9a-f]{64}$`),
    );
    expect(trial.reasons()).toEqual(["Pulling", "Pulled", "Created", "Started"]);
    expect(trial.events[0]?.message).toBe(`Pulling image "${image}"`);
    expect(trial.events[1]?.message).toMatch(
      new RegExp(
        `^Successfully pulled image "${image}" in [0-9.]+m?s \\([0-9.]+m?s including waiting\\)\\. Image size: [0-9]+ bytes\\.$`,
      ),
    );
    const pulls = open.pulls();
    const present = await runOn(runtime, { containers: [busybox("exit 0", { image })] });
    expect(present.trial.events[0]?.message).toBe(
      `Container image "${image}" already present on machine and can be accessed by the pod`,
    );
    expect(open.pulls()).toBe(pulls);
    await runOn(runtime, { containers: [container] });
    expect((await runOn(runtime, { containers: [container] })).trial.reasons()[0]).toBe("Pulling");
  });

  test("no policy and no tag: latest, pulled", async () => {
    const image = `${open.host}/small`;
    for (let n = 0; n < 2; n += 1) {
      const { trial } = await runOn(runtime, { containers: [busybox("exit 0", { image })] });
      expect(trial.reasons()[0]).toBe("Pulling");
    }
  });

  test.each([
    [".dockerconfigjson", (auths: object) => ({ auths })],
    [".dockercfg", (auths: object) => auths],
  ])("credentials from imagePullSecrets (%s)", async (key, config) => {
    const auth = Buffer.from("user:pass:word").toString("base64");
    const auths = {
      "other.example.com": { username: "a", password: "b" },
      [guarded.host]: { username: "wrong", password: "wrong" },
      [`http://${guarded.host}/small`]: { auth },
    };
    const secret = new Map([[key, Buffer.from(JSON.stringify(config(auths)))]]);
    const image = `${guarded.host}/small:${key.slice(1)}`;
    const { last } = await runOn(
      runtime,
      { imagePullSecrets: [{ name: "regcred" }], containers: [busybox("exit 0", { image })] },
      { sources: new Map([["secret/regcred", secret]]) },
    );
    expect(last.phase).toBe("Succeeded");
  });

  test("an image that is not there yet: ErrImagePull, ImagePullBackOff, and Pending until it is", async () => {
    open.stocked = false;
    const image = `${open.host}/small:later`;
    const trial = launch(runtime, runnable({ containers: [busybox("exit 0", { image })] }));
    const seen = (): (string | undefined)[] =>
      trial.observations.map(({ containers }) => containers[0]?.reason);
    await until("back-off", () => seen().includes("ImagePullBackOff"));
    await until(
      "another try",
      () => seen().lastIndexOf("ErrImagePull") > seen().indexOf("ImagePullBackOff"),
    );
    expect(trial.observations.every(({ phase }) => phase === "Pending")).toBe(true);
    expect(trial.events.map(({ reason, message }) => `${reason}: ${message}`).slice(0, 5)).toEqual([
      `Pulling: Pulling image "${image}"`,
      expect.stringMatching(
        new RegExp(`^Failed: Failed to pull image "${image}": manifest.*unknown$`),
      ),
      "Failed: Error: ErrImagePull",
      `BackOff: Back-off pulling image "${image}"`,
      "Failed: Error: ImagePullBackOff",
    ]);
    open.stocked = true;
    expect((await trial.ended).phase).toBe("Succeeded");
  });

  test("no credentials for a registry that wants some; a stop ends the wait", async () => {
    const image = `${guarded.host}/small:secret`;
    const trial = launch(runtime, runnable({ containers: [busybox("exit 0", { image })] }));
    await until("ErrImagePull", () => trial.last?.containers[0]?.reason === "ErrImagePull");
    expect(trial.last?.containers[0]?.message).toMatch(/no basic auth credentials|unauthorized/);
    trial.running?.stop(30);
    expect(await trial.ended).toMatchObject({ phase: "Failed" });
  });

  test.each([
    [
      "Never",
      "busybox:not-here",
      "ErrImageNeverPull",
      'Container image "busybox:not-here" is not present with pull policy of Never',
    ],
    [
      undefined,
      "UPPER:case",
      "InvalidImageName",
      'Failed to apply default image tag "UPPER:case": couldn\'t parse image name "UPPER:case": invalid reference format',
    ],
  ])("policy %s, image %s: %s", async (imagePullPolicy, image, reason, message) => {
    const container = busybox("exit 0", {
      image,
      ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    });
    const trial = launch(runtime, runnable({ containers: [container] }));
    await until(reason, () => trial.last?.containers[0]?.reason === reason);
    expect(trial.last).toMatchObject({ phase: "Pending", containers: [{ message }] });
    expect(trial.events.slice(0, 2)).toMatchObject([
      { type: "Warning", message },
      { type: "Warning", reason: "Failed", message: `Error: ${reason}` },
    ]);
    trial.running?.stop(0);
    expect((await trial.ended).phase).toBe("Failed");
  });

  test("one Pod without an image does not hold up another", async () => {
    const waiting = launch(
      runtime,
      runnable({ containers: [busybox("true", { image: "127.0.0.1:1/none" })] }),
    );
    await until("pulling", () => waiting.reasons().includes("Pulling"));
    expect((await runOn(runtime, { containers: [busybox("exit 0")] })).last.phase).toBe(
      "Succeeded",
    );
    waiting.running?.stop(0);
    await waiting.ended;
  });
});
