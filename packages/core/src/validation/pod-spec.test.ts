// Pod templates and Pods (job-spec 6).
import { describe, expect, test } from "vitest";
import { lines, podWith, storedJob, storedPod, templateSpec } from "../../test/manifests.ts";
import type { Container, EnvVar } from "../schema/container.ts";
import type { Pod, PodSpec, PodTemplateSpec } from "../schema/pod.ts";
import { validateJobCreate } from "./job.ts";
import { validatePodCreate, validatePodUpdate } from "./pod.ts";

type Case<T> = readonly [title: string, value: T, errors: readonly string[]];

const bad = (field: string, value: unknown, detail: string): string =>
  `FieldValueInvalid ${field}: Invalid value: ${JSON.stringify(value)}: ${detail}`;
const required = (field: string): string => `FieldValueRequired ${field}: Required value`;
const unsupported = (field: string, value: string, ...supported: readonly string[]): string =>
  `FieldValueNotSupported ${field}: Unsupported value: "${value}": ` +
  `supported values: ${supported.map((text) => `"${text}"`).join(", ")}`;
const duplicate = (field: string, value: unknown): string =>
  `FieldValueDuplicate ${field}: Duplicate value: ${JSON.stringify(value)}`;

function podCases(cases: readonly Case<PodSpec>[]): void {
  test.each(cases)("%s", (_, spec, errors) => {
    expect(lines(validatePodCreate(storedPod(spec)))).toEqual(errors);
  });
}

/** Errors with paths below the only container; `~` stands for it. */
function containerCases(cases: readonly Case<Container>[], spec: PodSpec = {}): void {
  test.each(cases)("%s", (_, container, errors) => {
    const expected = errors.map((text) => text.replace("~", "spec.containers[0]"));
    expect(lines(validatePodCreate(podWith(container, spec)))).toEqual(expected);
  });
}

const container = (name: string, patch: Container = {}): Container => ({
  name,
  image: "busybox:1.36",
  ...patch,
});
const notPositive = "must be greater than or equal to 0";
const portRange = "must be between 1 and 65535, inclusive";

describe("6 template", () => {
  function errorsOf(template: PodTemplateSpec): string[] {
    const spec = { manualSelector: true, selector: {}, template };
    return lines(validateJobCreate(storedJob(spec)));
  }

  test("labels and annotations, at their odd paths; the Job shares the labels (M9)", () => {
    const metadata = { labels: { "a b": "x" }, annotations: { "c d": "y" } };
    const fields = errorsOf({ metadata, spec: templateSpec() }).map((line) => line.split(":")[0]);
    expect(fields).toEqual([
      "FieldValueInvalid metadata.labels",
      "FieldValueInvalid spec.template.labels",
      "FieldValueInvalid spec.template.annotations",
    ]);
  });

  test("name, namespace and owner of a template are not looked at", () => {
    const metadata = { name: "No Name", namespace: "Ü", ownerReferences: [{}] };
    expect(errorsOf({ metadata, spec: templateSpec() })).toEqual([]);
  });

  test("ephemeral containers", () => {
    const spec = templateSpec({ ephemeralContainers: [container("debug")] });
    expect(errorsOf({ spec })).toEqual([
      "FieldValueForbidden spec.template.spec.ephemeralContainers: Forbidden: " +
        "ephemeral containers not allowed in pod template",
    ]);
    expect(lines(validatePodCreate(storedPod(spec)))).toEqual([
      "FieldValueForbidden spec.ephemeralContainers: Forbidden: cannot be set on create",
    ]);
  });
});

describe("6 containers", () => {
  const sidecarOnly = "may not be set for init containers without restartPolicy=Always";
  podCases([
    ["none", { containers: [] }, [required("spec.containers")]],
    [
      "two of one name, one without name and image",
      { containers: [container("c"), container("c"), {}] },
      [
        duplicate("spec.containers[1].name", "c"),
        required("spec.containers[2].name"),
        required("spec.containers[2].image"),
      ],
    ],
    [
      "an init container of a regular one's name",
      { initContainers: [container("c")] },
      [duplicate("spec.initContainers[0].name", "c")],
    ],
    [
      "an init container with a probe and a hook",
      {
        initContainers: [
          container("i", {
            livenessProbe: { exec: { command: ["x"] } },
            lifecycle: { preStop: { exec: { command: ["x"] } } },
          }),
        ],
      },
      ["lifecycle", "livenessProbe"].map(
        (field) => `FieldValueForbidden spec.initContainers[0].${field}: Forbidden: ${sidecarOnly}`,
      ),
    ],
    [
      "a sidecar with a probe",
      {
        initContainers: [
          container("i", {
            restartPolicy: "Always",
            startupProbe: { httpGet: { port: 80 } },
          }),
        ],
      },
      [],
    ],
    [
      "one host port twice",
      {
        containers: ["c", "d"].map((name) =>
          container(name, { ports: [{ containerPort: 80, hostPort: 8080 }] }),
        ),
      },
      [duplicate("spec.containers[1].ports[0].hostPort", "TCP//8080")],
    ],
  ]);

  containerCases([
    [
      "policies",
      { imagePullPolicy: "Often", terminationMessagePolicy: "Pipe" },
      [
        unsupported("~.terminationMessagePolicy", "Pipe", "File", "FallbackToLogsOnError"),
        unsupported("~.imagePullPolicy", "Often", "Always", "IfNotPresent", "Never"),
      ],
    ],
    [
      "ports",
      {
        ports: [
          { name: "web", containerPort: 80 },
          { name: "web", containerPort: 70000 },
          { name: "80", hostPort: -1, protocol: "ICMP" },
        ],
      },
      [
        duplicate("~.ports[1].name", "web"),
        bad("~.ports[1].containerPort", 70000, portRange),
        bad("~.ports[2].name", "80", "must contain at least one letter (a-z)"),
        required("~.ports[2].containerPort"),
        bad("~.ports[2].hostPort", -1, portRange),
        unsupported("~.ports[2].protocol", "ICMP", "SCTP", "TCP", "UDP"),
      ],
    ],
    [
      "probes",
      {
        livenessProbe: { exec: { command: [] }, successThreshold: 2, periodSeconds: -1 },
        readinessProbe: { httpGet: { port: 0, scheme: "FTP" }, terminationGracePeriodSeconds: 1 },
        startupProbe: { tcpSocket: { port: "x" }, exec: { command: ["x"] } },
      },
      [
        required("~.livenessProbe.exec.command"),
        bad("~.livenessProbe.periodSeconds", -1, notPositive),
        bad("~.livenessProbe.successThreshold", 2, "must be 1"),
        bad("~.readinessProbe.httpGet.port", 0, portRange),
        unsupported("~.readinessProbe.httpGet.scheme", "FTP", "HTTP", "HTTPS"),
        bad(
          "~.readinessProbe.terminationGracePeriodSeconds",
          1,
          "must not be set for readinessProbes",
        ),
        "FieldValueForbidden ~.startupProbe.tcpSocket: Forbidden: " +
          "may not specify more than 1 handler type",
      ],
    ],
    [
      "a probe of nothing",
      { livenessProbe: {} },
      [`${required("~.livenessProbe")}: must specify a handler type`],
    ],
    [
      "security context",
      { securityContext: { runAsUser: -1, privileged: true, allowPrivilegeEscalation: false } },
      [
        bad("~.securityContext.runAsUser", -1, "must be between 0 and 2147483647, inclusive"),
        bad(
          "~.securityContext",
          { runAsUser: -1, privileged: true, allowPrivilegeEscalation: false },
          "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
        ),
      ],
    ],
    [
      "restart rules without restartPolicy, and wrong ones",
      {
        restartPolicyRules: [
          { action: "Restart", exitCodes: { operator: "In", values: [3] } },
          { action: "Panic", exitCodes: { values: Array.from({ length: 256 }, () => 1) } },
          { action: "RestartAllContainers" },
        ],
      },
      [
        `${required("~.restartPolicy")}: must specify restartPolicy when restart rules are used`,
        unsupported("~.restartPolicyRules[1].action", "Panic", "Restart", "RestartAllContainers"),
        unsupported("~.restartPolicyRules[1].exitCodes.operator", "", "In", "NotIn"),
        "FieldValueTooMany ~.restartPolicyRules[1].exitCodes.values: Too many: 256: " +
          "must have at most 255 items",
        `${required("~.restartPolicyRules[2].exitCodes")}: must be specified`,
      ],
    ],
    [
      "unknown restartPolicy",
      { restartPolicy: "Maybe" },
      [unsupported("~.restartPolicy", "Maybe", "Always", "Never", "OnFailure")],
    ],
  ]);
});

describe("6 env", () => {
  const printable =
    "a valid environment variable name must consist only of printable ASCII characters other than '='";
  const at = "~.env[0].valueFrom";
  const envFields = ["metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName"];
  const moreEnvFields = ["hostIP", "hostIPs", "podIP", "podIPs"].map((name) => `status.${name}`);
  const from = (valueFrom: EnvVar["valueFrom"], value = ""): Container => ({
    env: [{ name: "A", value, valueFrom }],
  });
  const field = (fieldPath: string): Container => from({ fieldRef: { fieldPath } });
  const oneOf =
    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
  containerCases([
    ["names", { env: [{ name: "1.-_ü" }] }, [bad("~.env[0].name", "1.-_ü", printable)]],
    [
      "names with = and without",
      { env: [{ name: "a=b" }, {}] },
      [bad("~.env[0].name", "a=b", printable), required("~.env[1].name")],
    ],
    ["any printable name", { env: [{ name: "1 %-x" }] }, []],
    ["a source of nothing", from({}), [bad(at, "", oneOf)]],
    [
      "a source beside a value",
      from({ configMapKeyRef: { name: "m", key: "k" } }, "x"),
      [bad(at, "", "may not be specified when `value` is not empty")],
    ],
    [
      "two sources",
      from({
        configMapKeyRef: { name: "m", key: "k" },
        secretKeyRef: { name: "s", key: "k" },
      }),
      [bad(at, "", "may not have more than one field specified at a time")],
    ],
    ["label by subscript", field("metadata.labels['a/b']"), []],
    [
      "all labels",
      field("metadata.labels"),
      [
        unsupported(
          `${at}.fieldRef.fieldPath`,
          "metadata.labels",
          ...envFields,
          "spec.serviceAccountName",
          ...moreEnvFields,
        ),
      ],
    ],
    [
      "a field that there is not",
      field("spec.foo"),
      [
        bad(
          `${at}.fieldRef.fieldPath`,
          "spec.foo",
          "error converting fieldPath: field label not supported: spec.foo",
        ),
      ],
    ],
    [
      "a resource that there is not",
      from({ resourceFieldRef: { resource: "limits.gpu" } }),
      [
        unsupported(
          `${at}.resourceFieldRef.resource`,
          "limits.gpu",
          ...["limits", "requests"].flatMap((kind) =>
            ["cpu", "ephemeral-storage", "memory"].map((name) => `${kind}.${name}`),
          ),
        ),
      ],
    ],
    [
      "a divisor",
      from({ resourceFieldRef: { resource: "limits.cpu", divisor: "1k" } }),
      [
        bad(
          `${at}.resourceFieldRef.divisor`,
          "limits.cpu",
          "only divisor's values 1m and 1 are supported with the cpu resource",
        ),
      ],
    ],
    [
      "keys",
      from({ secretKeyRef: { name: "s", key: ".." } }),
      [bad(`${at}.secretKeyRef.key`, "..", "must not be '..'")],
    ],
    [
      "envFrom",
      {
        envFrom: [
          { prefix: "A=", configMapRef: { name: "m" } },
          { secretRef: {} },
          {},
          { configMapRef: { name: "m" }, secretRef: { name: "s" } },
        ],
      },
      [
        bad("~.envFrom[0].prefix", "A=", printable),
        required("~.envFrom[1].secretRef.name"),
        bad("~.envFrom", "", "must specify one of: `configMapRef` or `secretRef`"),
        bad("~.envFrom", "", "may not have more than one field specified at a time"),
      ],
    ],
  ]);
});

describe("6 resources", () => {
  const at = "~.resources";
  containerCases([
    [
      "known names and extended ones",
      {
        resources: {
          limits: { cpu: "1", memory: "1Gi", "example.com/gpu": "2", "hugepages-2Mi": "4Mi" },
          requests: { cpu: "500m" },
        },
      },
      [],
    ],
    [
      "an unknown name",
      { resources: { limits: { gpu: "1" } } },
      [
        bad(`${at}.limits[gpu]`, "gpu", "must be a standard resource type or fully qualified"),
        bad(`${at}.limits[gpu]`, "gpu", "must be a standard resource for containers"),
        bad(`${at}.requests[gpu]`, "gpu", "must be a standard resource type or fully qualified"),
        bad(`${at}.requests[gpu]`, "gpu", "must be a standard resource for containers"),
      ],
    ],
    [
      "a negative one",
      { resources: { requests: { cpu: "-1" } } },
      [bad(`${at}.requests[cpu]`, "-1", notPositive)],
    ],
    [
      "a request above the limit",
      { resources: { limits: { cpu: "1" }, requests: { cpu: "1500m" } } },
      [bad(`${at}.requests`, "1500m", "must be less than or equal to cpu limit of 1")],
    ],
    [
      "an extended resource: whole, and request equals limit",
      { resources: { limits: { "a.b/c": "1500m" }, requests: { "a.b/c": "1" } } },
      [
        bad(`${at}.limits[a.b/c]`, "1500m", "must be an integer"),
        bad(`${at}.requests`, "1", "must be equal to a.b/c limit of 1500m"),
      ],
    ],
    [
      "an extended resource without limit",
      { resources: { requests: { "a.b/c": "1" } } },
      [`${required(`${at}.limits`)}: Limit must be set for non overcommitable resources`],
    ],
    [
      "huge pages alone",
      { resources: { limits: { "hugepages-2Mi": "4Mi" } } },
      [`FieldValueForbidden ${at}: Forbidden: HugePages require cpu or memory`],
    ],
  ]);
});

describe("6 volumes", () => {
  const mode = "must be a number between 0 and 0777 (octal), both inclusive";
  const at = "spec.volumes[0]";
  podCases([
    ["no source is an empty directory", { volumes: [{ name: "v" }] }, []],
    [
      "names",
      { volumes: [{ name: "v" }, { name: "v" }, {}] },
      [duplicate("spec.volumes[1].name", "v"), required("spec.volumes[2].name")],
    ],
    [
      "two sources",
      { volumes: [{ name: "v", emptyDir: {}, configMap: { name: "m" } }] },
      [`FieldValueForbidden ${at}.configMap: Forbidden: may not specify more than 1 volume type`],
    ],
    [
      "a Secret without name, with a mode and an item out of bounds",
      { volumes: [{ name: "v", secret: { defaultMode: 512, items: [{ path: "../x" }] } }] },
      [
        required(`${at}.secret.secretName`),
        bad(`${at}.secret.defaultMode`, 512, mode),
        required(`${at}.secret.items[0].key`),
        bad(`${at}.secret.items[0].path`, "../x", "must not contain '..'"),
      ],
    ],
    [
      "a host path",
      { volumes: [{ name: "v", hostPath: { path: "/a/../b", type: "Disk" } }] },
      [
        bad(`${at}.hostPath.path`, "/a/../b", "must not contain '..'"),
        unsupported(
          `${at}.hostPath.type`,
          "Disk",
          "",
          "BlockDevice",
          "CharDevice",
          "Directory",
          "DirectoryOrCreate",
          "File",
          "FileOrCreate",
          "Socket",
        ),
      ],
    ],
    [
      "downward API",
      {
        volumes: [
          {
            name: "v",
            downwardAPI: {
              items: [
                { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
                { path: "x" },
              ],
            },
          },
        ],
      },
      [
        `${required(`${at}.downwardAPI.items[1]`)}: one of fieldRef and resourceFieldRef is required`,
      ],
    ],
    [
      "a mount of a volume that is not valid",
      {
        volumes: [{ name: "v", persistentVolumeClaim: {} }],
        containers: [container("c", { volumeMounts: [{ name: "v", mountPath: "/v" }] })],
      },
      [
        required(`${at}.persistentVolumeClaim.claimName`),
        'FieldValueNotFound spec.containers[0].volumeMounts[0].name: Not found: "v"',
      ],
    ],
  ]);

  containerCases(
    [
      [
        "mounts",
        {
          volumeMounts: [
            { name: "v", mountPath: "/a" },
            { name: "v", mountPath: "/a", subPath: "/x/../y" },
            { name: "w" },
          ],
        },
        [
          bad("~.volumeMounts[1].mountPath", "/a", "must be unique"),
          bad("~.volumeMounts.subPath", "/x/../y", "must be a relative path"),
          bad("~.volumeMounts.subPath", "/x/../y", "must not contain '..'"),
          'FieldValueNotFound ~.volumeMounts[2].name: Not found: "w"',
          required("~.volumeMounts[2].mountPath"),
        ],
      ],
    ],
    { volumes: [{ name: "v" }] },
  );
});

describe("6 the rest of the spec", () => {
  const range = "must be between 1 and 2147483647, inclusive";
  podCases([
    [
      "policies",
      { restartPolicy: "Maybe", dnsPolicy: "Guess" },
      [
        unsupported("spec.restartPolicy", "Maybe", "Always", "OnFailure", "Never"),
        unsupported(
          "spec.dnsPolicy",
          "Guess",
          "ClusterFirstWithHostNet",
          "ClusterFirst",
          "Default",
          "None",
          "",
        ),
      ],
    ],
    [
      "activeDeadlineSeconds 0",
      { activeDeadlineSeconds: 0 },
      [bad("spec.activeDeadlineSeconds", 0, range)],
    ],
    ["negative grace is accepted", { terminationGracePeriodSeconds: -1 }, []],
    [
      "ids",
      { securityContext: { runAsGroup: -1, supplementalGroups: [1, -2] } },
      [
        bad("spec.securityContext.runAsGroup", -1, "must be between 0 and 2147483647, inclusive"),
        bad(
          "spec.securityContext.supplementalGroups[1]",
          -2,
          "must be between 0 and 2147483647, inclusive",
        ),
      ],
    ],
    [
      "a hostname with a dot",
      { hostname: "a.b" },
      [bad("spec.hostname", "a.b", "must not contain dots")],
    ],
    [
      "tolerations",
      {
        tolerations: [
          { operator: "Exists" },
          { key: "k", operator: "Exists", value: "v" },
          { key: "k", operator: "Near" },
          { tolerationSeconds: 5 },
          { key: "k", effect: "Sometimes" },
        ],
      },
      [
        bad(
          "spec.tolerations[1].operator",
          { Key: "k", Operator: "Exists", Value: "v", Effect: "", TolerationSeconds: null },
          "value must be empty when `operator` is 'Exists'",
        ),
        unsupported("spec.tolerations[2].operator", "Near", "Equal", "Exists"),
        'FieldValueInvalid spec.tolerations[3].operator: Invalid value: "": operator must be ' +
          'Exists when `key` is empty, which means "match all values and all keys"',
        bad(
          "spec.tolerations[3].effect",
          "",
          "effect must be 'NoExecute' when `tolerationSeconds` is set",
        ),
        unsupported(
          "spec.tolerations[4].effect",
          "Sometimes",
          "NoSchedule",
          "PreferNoSchedule",
          "NoExecute",
        ),
      ],
    ],
    [
      "affinity",
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] },
            preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 101, preference: {} }],
          },
        },
      },
      [
        required(
          "" +
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms",
        ) + ": must have at least one node selector term",
        bad(
          "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight",
          101,
          "must be in the range 1-100",
        ),
      ],
    ],
    [
      "bound though gated",
      { schedulingGates: [{ name: "a.b/c" }], nodeName: "n" },
      [
        "FieldValueForbidden spec.nodeName: Forbidden: " +
          "cannot be set until all schedulingGates have been cleared",
      ],
    ],
  ]);
});

describe("6 updates of Pods", () => {
  const old = storedPod({
    activeDeadlineSeconds: 60,
    tolerations: [{ key: "k", operator: "Exists", effect: "NoExecute", tolerationSeconds: 5 }],
    schedulingGates: [{ name: "a.b/c" }],
  });
  const update = (spec: PodSpec, from: Pod = old): string[] =>
    lines(validatePodUpdate({ ...from, spec: { ...from.spec, ...spec } }, from));
  const first = { ...old.spec?.containers?.[0] };
  const toleration = { ...old.spec?.tolerations?.[0] };
  const frozen =
    "FieldValueForbidden spec: Forbidden: pod updates may not change fields other than " +
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`," +
    "`spec.tolerations` (only additions to existing tolerations)," +
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

  type UpdateCase = readonly [string, PodSpec, readonly string[]];
  const cases: readonly UpdateCase[] = [
    ["nothing", {}, []],
    ["image", { containers: [{ ...first, image: "x" }] }, []],
    ["deadline lowered", { activeDeadlineSeconds: 5 }, []],
    ["toleration added", { tolerations: [toleration, { operator: "Exists" }] }, []],
    ["seconds of a toleration", { tolerations: [{ ...toleration, tolerationSeconds: 6 }] }, []],
    ["gate removed", { schedulingGates: [] }, []],
    ["command", { containers: [{ ...first, command: ["x"] }] }, [frozen]],
    ["node name", { nodeSelector: { a: "b" } }, [frozen]],
    ["grace", { terminationGracePeriodSeconds: 1 }, [frozen]],
    [
      "another container",
      { containers: [first, { ...first, name: "d" }] },
      [
        "FieldValueForbidden spec.containers: Forbidden: pod updates may not add or " +
          "remove containers",
      ],
    ],
    [
      "deadline raised",
      { activeDeadlineSeconds: 61 },
      [bad("spec.activeDeadlineSeconds", 61, "must be less than or equal to previous value")],
    ],
    [
      "deadline removed",
      { activeDeadlineSeconds: undefined },
      [
        bad(
          "spec.activeDeadlineSeconds",
          null,
          "must not update from a positive integer to nil value",
        ),
      ],
    ],
    [
      "toleration removed",
      { tolerations: [] },
      [
        "FieldValueForbidden spec.tolerations: Forbidden: " +
          "existing toleration can not be modified except its tolerationSeconds",
      ],
    ],
    [
      "gate added",
      { schedulingGates: [{ name: "a.b/d" }] },
      [
        "FieldValueForbidden spec.schedulingGates: Forbidden: " +
          "only deletion is allowed, but found new scheduling gate 'a.b/d'",
      ],
    ],
  ];
  test.each(cases)("%s", (_, spec, errors) => {
    expect(update(spec)).toEqual(errors);
  });

  test("a negative grace may become 1, and nothing else", () => {
    const negative = storedPod({ terminationGracePeriodSeconds: -1 });
    expect(update({ terminationGracePeriodSeconds: 1 }, negative)).toEqual([]);
    expect(update({ terminationGracePeriodSeconds: 2 }, negative)).toEqual([frozen]);
  });
});
