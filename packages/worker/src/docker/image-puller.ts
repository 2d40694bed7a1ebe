// Gets a container's image as its imagePullPolicy says, with a kubelet's Events and back-off.
import type Docker from "dockerode";
import type { StartReports } from "../pod/container-driver.ts";
import { goDuration } from "../pod/go-duration.ts";
import type { BackoffTiming } from "../pod/restart.ts";
import { engineMessage, isMissing } from "./engine-error.ts";
import { type ImageReference, parseImage } from "./image-reference.ts";
import { pause } from "./pause.ts";
import type { Credentials } from "./registry-credentials.ts";

export interface ImageRequest {
  readonly image: string;
  readonly policy: string | undefined;
  readonly credentials: (image: ImageReference) => readonly Credentials[];
}

export interface ObtainedImage {
  readonly id: string;
  /** What the Pod's status shows. */
  readonly imageID: string;
  readonly user: string;
  readonly sizeBytes: number;
}

/** How long a failed pull shows as such before it shows as backing off. */
const MAX_ERROR_SHOWN_MS = 2000;

/** Why a container waits for its image: a kubelet's reason and message. */
class ImageProblem extends Error {
  override name = "ImageProblem";
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export class ImagePuller {
  readonly #docker: Docker;
  readonly #backoff: BackoffTiming;
  /** One pull at a time of the same image with the same credentials. */
  readonly #pulls = new Map<string, Promise<number>>();

  constructor(docker: Docker, backoff: BackoffTiming) {
    this.#docker = docker;
    this.#backoff = backoff;
  }

  /** Goes on until it has the image; `null` when the container is to stop first. */
  async obtain(request: ImageRequest, reports: StartReports): Promise<ObtainedImage | null> {
    const { image } = request;
    const { cancelled } = reports;
    const { initialMs, maxMs } = this.#backoff;
    for (let delayMs = initialMs; !cancelled.aborted; delayMs = Math.min(delayMs * 2, maxMs)) {
      const problem = await this.#attempt(request, reports);
      if (!(problem instanceof ImageProblem)) return problem;
      if (cancelled.aborted) return null;
      reports.waiting(problem.reason, problem.message);
      reports.event("Warning", "Failed", `Error: ${problem.reason}`);
      if (problem.reason === "InvalidImageName") {
        // No time mends a name: this waits for the Pod's end.
        await pause(2 ** 31 - 1, cancelled);
        return null;
      }
      const shownMs = Math.min(delayMs / 5, MAX_ERROR_SHOWN_MS);
      await pause(shownMs, cancelled);
      if (problem.reason === "ErrImagePull" && !cancelled.aborted) {
        const backingOff = `Back-off pulling image "${image}"`;
        reports.waiting("ImagePullBackOff", `${backingOff}: ErrImagePull: ${problem.message}`);
        reports.event("Normal", "BackOff", backingOff);
        reports.event("Warning", "Failed", "Error: ImagePullBackOff");
      }
      await pause(delayMs - shownMs, cancelled);
    }
    return null;
  }

  async #attempt(
    { image, policy, credentials }: ImageRequest,
    reports: StartReports,
  ): Promise<ObtainedImage | ImageProblem> {
    const reference = parseImage(image);
    if (reference === null) {
      const why = `couldn't parse image name "${image}": invalid reference format`;
      const message = `Failed to apply default image tag "${image}": ${why}`;
      reports.event("Warning", "InspectFailed", message);
      return new ImageProblem("InvalidImageName", message);
    }
    const wanted = policy ?? (reference.isLatest ? "Always" : "IfNotPresent");
    try {
      const present = wanted === "Always" ? null : await this.#inspect(reference);
      if (present !== null) {
        const message = `Container image "${image}" already present on machine and can be accessed by the pod`;
        reports.event("Normal", "Pulled", message);
        return present;
      }
      if (wanted === "Never") {
        const message = `Container image "${image}" is not present with pull policy of Never`;
        reports.event("Warning", "ErrImageNeverPull", message);
        return new ImageProblem("ErrImageNeverPull", message);
      }
      return await this.#pull(image, reference, credentials(reference), reports);
    } catch (error) {
      const message = engineMessage(error);
      reports.event("Warning", "Failed", `Failed to pull image "${image}": ${message}`);
      return new ImageProblem("ErrImagePull", message);
    }
  }

  async #pull(
    image: string,
    reference: ImageReference,
    credentials: readonly Credentials[],
    reports: StartReports,
  ): Promise<ObtainedImage> {
    reports.event("Normal", "Pulling", `Pulling image "${image}"`);
    const startMs = performance.now();
    let pulledInMs = 0;
    for (const [n, each] of [...credentials, undefined].entries()) {
      try {
        pulledInMs = await this.#pullOnce(reference, each);
        break;
      } catch (error) {
        if (n === credentials.length) throw error;
      }
    }
    const pulled = await this.#inspect(reference);
    if (pulled === null) throw new Error(`image ${image} is gone right after it was pulled`);
    const took = goDuration(pulledInMs);
    const inAll = goDuration(performance.now() - startMs);
    const message = `Successfully pulled image "${image}" in ${took} (${inAll} including waiting). Image size: ${pulled.sizeBytes} bytes.`;
    reports.event("Normal", "Pulled", message);
    return pulled;
  }

  /** Milliseconds that the pull itself took. */
  #pullOnce({ full }: ImageReference, credentials: Credentials | undefined): Promise<number> {
    const key = JSON.stringify([full, credentials]);
    const going = this.#pulls.get(key);
    if (going !== undefined) return going;
    const pull = this.#download(full, credentials).finally(() => this.#pulls.delete(key));
    this.#pulls.set(key, pull);
    return pull;
  }

  async #download(full: string, credentials: Credentials | undefined): Promise<number> {
    const startMs = performance.now();
    const authconfig = credentials === undefined ? {} : { authconfig: credentials };
    const progress = await this.#docker.pull(full, authconfig);
    await new Promise<void>((resolve, reject) => {
      this.#docker.modem.followProgress(progress, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    return performance.now() - startMs;
  }

  async #inspect({ full, repository }: ImageReference): Promise<ObtainedImage | null> {
    try {
      const { Id, RepoDigests, Size, Config } = await this.#docker.getImage(full).inspect();
      const name = repository.replace(/^library\//, "");
      const digest = RepoDigests?.find((each) => each.split("@")[0]?.endsWith(name)) ?? Id;
      return { id: Id, imageID: digest, user: Config?.User ?? "", sizeBytes: Size };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }
}
