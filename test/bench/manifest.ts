// The Jobs that the benchmark submits.

export interface JobShape {
  readonly completions: number;
  readonly parallelism: number;
  readonly indexed?: boolean;
}

export const manifest = (
  name: string,
  { completions, parallelism, indexed = false }: JobShape,
) => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name },
  spec: {
    completions,
    parallelism,
    completionMode: indexed ? "Indexed" : "NonIndexed",
    template: {
      spec: {
        restartPolicy: "Never",
        containers: [{ name: "main", image: "busybox:1.36", command: ["/bin/true"] }],
      },
    },
  },
});
