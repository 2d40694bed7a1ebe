// Descriptions of containers: what they run, their environment, probes and status.
import type { Descriptions } from "./text-table.ts";

const core = (name: string): string => `io.k8s.api.core.v1.${name}`;

export const containerDescriptions: Descriptions = {
  [core("Container")]: {
    "": "One program of a Pod.",
    name: "Unique in the Pod: lower-case letters, digits and '-'. Cannot be changed.",
    image:
      "The image to run. The process runtime records it and runs the host's own programs instead.",
    command:
      "The program and its first arguments, not run in a shell. Left out, the image's entrypoint. " +
      "$(NAME) stands for a variable.",
    args: "Arguments of the program. Left out, the image's. $(NAME) stands for a variable.",
    workingDir: "The directory to run in. Left out, the image's.",
    env: "Variables of the environment.",
    envFrom: "ConfigMaps and Secrets all of whose keys become variables. env goes before.",
    resources: "What the container needs (requests) and may use (limits).",
    resizePolicy: "Whether a change of resources restarts the container.",
    volumeMounts: "Where the Pod's volumes appear.",
    volumeDevices: "Volumes that appear as block devices.",
    ports: "Ports on which it listens. For information.",
    imagePullPolicy:
      "Always, IfNotPresent or Never. Default Always for the tag latest, else IfNotPresent.",
    livenessProbe: "Restarts the container when it fails.",
    readinessProbe: "The container is ready while it succeeds.",
    startupProbe: "The other probes begin once it has succeeded.",
    lifecycle: "What is done after the start and before the stop.",
    securityContext: "Security settings; they go before the Pod's.",
    restartPolicy:
      "Whether the container is restarted, in place of the Pod's policy. Always makes an init " +
      "container a sidecar.",
    restartPolicyRules: "Exit codes for which the container is restarted all the same.",
    terminationMessagePath:
      "The file whose content becomes the message of the ended container. Default /dev/termination-log.",
    terminationMessagePolicy:
      "File (default), or FallbackToLogsOnError: the end of the log when the file is empty and the " +
      "container failed.",
    stdin: "Keeps standard input open.",
    stdinOnce: "Closes standard input after the first client has left.",
    tty: "Gives the container a terminal.",
  },
  [core("EnvVar")]: {
    "": "A variable of the environment.",
    name: "Its name.",
    value: "Its value. $(NAME) stands for a variable defined before; $$ for a dollar sign.",
    valueFrom: "Where its value comes from. Not together with value.",
  },
  [core("EnvVarSource")]: {
    "": "Where the value of a variable comes from.",
    fieldRef:
      "A field of the Pod: metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'], " +
      "metadata.annotations['KEY'], spec.nodeName, spec.serviceAccountName, status.podIP...",
    resourceFieldRef: "A request or limit of a container.",
    configMapKeyRef: "A key of a ConfigMap.",
    secretKeyRef: "A key of a Secret.",
    fileKeyRef: "A key of a file in a volume.",
  },
  [core("EnvFromSource")]: {
    "": "A source of several variables.",
    prefix: "What their names begin with.",
    configMapRef: "The ConfigMap.",
    secretRef: "The Secret.",
  },
  [core("ObjectFieldSelector")]: {
    "": "A field of the Pod.",
    apiVersion: "Version in which the path is written. Default v1.",
    fieldPath: "Path of the field, such as metadata.name.",
  },
  [core("ConfigMapKeySelector")]: {
    "": "A key of a ConfigMap.",
    name: "Name of the ConfigMap.",
    key: "The key.",
    optional: "The Pod runs without it too.",
  },
  [core("SecretKeySelector")]: {
    "": "A key of a Secret.",
    name: "Name of the Secret.",
    key: "The key.",
    optional: "The Pod runs without it too.",
  },
  [core("ResourceRequirements")]: {
    "": "Resources of a container.",
    requests: "What it is sure to get: cpu, memory, ephemeral-storage. Default the limits.",
    limits: "Most that it may use.",
    claims: "Claims of devices that it uses.",
  },
  [core("VolumeMount")]: {
    "": "Where a volume appears in a container.",
    name: "Name of the volume.",
    mountPath: "The path in the container.",
    subPath: "The path inside the volume. Default its root.",
    subPathExpr: "The same, with $(NAME) for variables.",
    readOnly: "The container cannot write to it.",
    recursiveReadOnly: "Mounts inside are read-only too.",
    mountPropagation: "Whether mounts made later are seen on the other side.",
  },
  [core("Probe")]: {
    "": "A check of a container. Exactly one of exec, httpGet, tcpSocket and grpc is given.",
    exec: "Runs a command; exit code 0 is success.",
    httpGet: "Sends a request; a status from 200 to 399 is success.",
    tcpSocket: "Opens a connection.",
    grpc: "Asks gRPC's health service.",
    initialDelaySeconds: "Seconds after the start before the first check.",
    timeoutSeconds: "Seconds that a check may take. Default 1.",
    periodSeconds: "Seconds between checks. Default 10.",
    successThreshold: "Successes in a row that count as success. Default 1.",
    failureThreshold: "Failures in a row that count as failure. Default 3.",
    terminationGracePeriodSeconds: "Seconds to end in when the probe fails, in place of the Pod's.",
  },
  [core("ExecAction")]: {
    "": "A command run in the container.",
    command: "The program and its arguments; no shell.",
  },
  [core("HTTPGetAction")]: {
    "": "An HTTP request.",
    path: "Its path.",
    port: "Number or name of the port.",
    host: "The host. Default the Pod's address.",
    scheme: "HTTP (default) or HTTPS.",
    httpHeaders: "Further headers.",
  },
  [core("Lifecycle")]: {
    "": "What is done at the beginning and end of a container.",
    postStart: "Right after the start. Its failure stops the container.",
    preStop: "Before the signal to stop; within the grace period.",
    stopSignal: "The signal to stop with.",
  },
  [core("SecurityContext")]: {
    "": "Security settings of a container.",
    runAsUser: "The user id as which it runs.",
    runAsGroup: "The group id as which it runs.",
    runAsNonRoot: "Refuses to start as root.",
    privileged: "Runs with all rights of the worker.",
    readOnlyRootFilesystem: "The container's own files cannot be changed.",
    allowPrivilegeEscalation: "Whether programs may gain rights that their parents lack.",
    capabilities: "Rights added and dropped.",
  },
  [core("ContainerStatus")]: {
    "": "How a container stands.",
    name: "Name of the container.",
    state: "Waiting, running or terminated.",
    lastState: "How its run before ended.",
    ready: "It passes its readiness probe.",
    started: "It passed its startup probe.",
    restartCount: "How often it was restarted.",
    image: "The image that it runs.",
    imageID: "That image's digest.",
    containerID: "Its id with the runtime, as runtime://id.",
  },
  [core("ContainerState")]: {
    "": "One of waiting, running and terminated.",
    waiting: "Not started yet.",
    running: "Runs.",
    terminated: "Has ended.",
  },
  [core("ContainerStateWaiting")]: {
    "": "Why a container does not run yet.",
    reason: "In one word.",
    message: "For people.",
  },
  [core("ContainerStateRunning")]: { "": "A running container.", startedAt: "Since when." },
  [core("ContainerStateTerminated")]: {
    "": "How a container ended.",
    exitCode: "Its exit code; 128 plus the signal when one ended it.",
    signal: "The signal that ended it.",
    reason: "Completed, Error, OOMKilled, StartError...",
    message: "What it left in its termination message.",
    startedAt: "When it started.",
    finishedAt: "When it ended.",
    containerID: "Its id with the runtime, as runtime://id.",
  },
};
