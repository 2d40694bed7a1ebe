// Names of resources, and reading them from what callers give.
import { randomBytes } from "node:crypto";
import type { Settings } from "../settings.ts";

export class Arns {
  readonly #base: string;

  constructor({ region, account }: Pick<Settings, "region" | "account">) {
    this.#base = `arn:aws:ecs:${region}:${account}`;
  }

  cluster(name: string): string {
    return `${this.#base}:cluster/${name}`;
  }

  newTask(cluster: string): string {
    return `${this.#base}:task/${cluster}/${randomBytes(16).toString("hex")}`;
  }

  task(cluster: string, id: string): string {
    return `${this.#base}:task/${cluster}/${id}`;
  }

  container(taskArn: string): string {
    const [cluster, task] = taskArn.split("/").slice(1);
    return `${this.#base}:container/${cluster}/${task}/${randomBytes(16).toString("hex")}`;
  }

  instance(cluster: string): string {
    return `${this.#base}:container-instance/${cluster}/${randomBytes(16).toString("hex")}`;
  }

  definition(family: string, revision: number): string {
    return `${this.#base}:task-definition/${family}:${revision}`;
  }

  isOurs(arn: string): boolean {
    return arn.startsWith(`${this.#base}:`);
  }
}

/** The last part of an ARN, or the text itself. */
export const lastPart = (text: string): string => text.split("/").at(-1) ?? text;
