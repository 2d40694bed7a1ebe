// Exchanges whose answers differ from the recorded ones, each with its reason.

const differences = (reason: string, ...exchanges: readonly number[]) =>
  exchanges.map((n) => [n, reason] as const);

export const differencesOfKubectl: ReadonlyMap<number, string> = new Map([
  ...differences(
    "no scheduler and no worker run in this test, so Jobs have no Pods",
    44,
    46,
    89,
    118,
    138,
    224,
    307,
    309,
    310,
    373,
    377,
    474,
  ),
  ...differences(
    "no garbage collector runs in this test: what waits for finalizers stays",
    299,
    313,
    372,
  ),
  ...differences(
    "no garbage collector: the list has objects that still wait for it",
    406,
    417,
    433,
    442,
    443,
  ),
  ...differences(
    "no controller runs in this test: the Job was not Complete when it was patched",
    459,
    460,
    464,
    471,
  ),
  ...differences("nodes are Gantry's workers, of which none runs in this test", 353, 355),
  ...differences("the recorded server added a ConfigMap of its own distribution", 359),
  ...differences("the checks behind /livez are each server's own", 386),
]);

export const differencesOfProtobuf: ReadonlyMap<number, string> = new Map([
  ...differences(
    "nodes are Gantry's workers, of which none runs in this test",
    19,
    20,
    25,
    26,
    32,
    33,
    34,
    35,
  ),
  ...differences(
    "no scheduler and no worker run in this test: no Pod to evict, none bound",
    23,
    30,
  ),
  ...differences(
    "the recorded server ran without the admission that sets a Pod's ServiceAccount",
    29,
  ),
  ...differences("tokens of ServiceAccounts are not served", 27),
  ...differences("quotas and certificate requests are not served", 36, 37),
]);
