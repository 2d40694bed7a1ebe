# The official Python client: a Job watched to its end, its log, exec in a Pod, patches and deletion.
# Prints a JSON object of what it saw; called with the path of a kubeconfig.
import json
import sys

from kubernetes import client, config, watch
from kubernetes.stream import stream

config.load_kube_config(sys.argv[1])
batch, core = client.BatchV1Api(), client.CoreV1Api()
NAMESPACE = "default"
seen = {}


def pod_spec(*command):
    container = {"name": "main", "image": "busybox", "command": list(command)}
    return {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}


job = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "py"},
    "spec": {"template": {"spec": pod_spec("echo", "hello")}},
}
batch.create_namespaced_job(NAMESPACE, job)

watcher = watch.Watch()
for event in watcher.stream(batch.list_namespaced_job, NAMESPACE, timeout_seconds=30):
    if event["object"].status.succeeded:
        watcher.stop()
        seen["watched"] = event["type"]

[pod] = core.list_namespaced_pod(NAMESPACE, label_selector="job-name=py").items
seen["log"] = core.read_namespaced_pod_log(pod.metadata.name, NAMESPACE)

core.create_namespaced_pod(
    NAMESPACE, {"metadata": {"name": "shell"}, "spec": pod_spec("sleep", "1000")}
)
for event in watch.Watch().stream(core.list_namespaced_pod, NAMESPACE, timeout_seconds=30):
    if event["object"].metadata.name == "shell" and event["object"].status.phase == "Running":
        break


def command(*words, **more):
    return stream(
        core.connect_get_namespaced_pod_exec,
        "shell",
        NAMESPACE,
        command=list(words),
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
        **more,
    )


session = command("sh", "-c", "read line; echo got $line; echo err >&2; exit 5", stdin=True)
session.write_stdin("hello\n")
session.run_forever(timeout=20)
seen["exec"] = [session.read_stdout(), session.read_stderr(), session.returncode]

patched = batch.patch_namespaced_job("py", NAMESPACE, {"metadata": {"labels": {"a": "b"}}})
seen["label"] = patched.metadata.labels["a"]
batch.delete_namespaced_job("py", NAMESPACE, propagation_policy="Background")
try:
    batch.read_namespaced_job("py", NAMESPACE)
except client.ApiException as error:
    seen["gone"] = error.status
core.delete_namespaced_pod("shell", NAMESPACE)
print(json.dumps(seen))
