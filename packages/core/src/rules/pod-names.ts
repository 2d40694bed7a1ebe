// R55, R56: names of the Pods that a Job creates.

/** Kubernetes' longest generated prefix: 63 less the five random characters. */
const MAX_PREFIX = 58;

/** `<job>-` or, of an index, `<job>-<i>-`; the job part is cut so that 58 characters suffice. */
export function podNamePrefix(jobName: string, index: number | undefined): string {
  const tail = index === undefined ? "-" : `-${index}-`;
  const prefix = jobName + tail;
  if (prefix.length <= MAX_PREFIX) return prefix;
  // NonIndexed: the whole prefix is cut, the dash with it, as the API server's name generator does.
  if (index === undefined) return prefix.slice(0, MAX_PREFIX);
  return jobName.slice(0, MAX_PREFIX - tail.length) + tail;
}
