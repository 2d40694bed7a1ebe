// Descriptions of the other kinds: Namespaces, Nodes, Events, ConfigMaps, Secrets, reviews.
import type { Descriptions } from "./text-table.ts";

const core = (name: string): string => `io.k8s.api.core.v1.${name}`;
const authorization = (name: string): string => `io.k8s.api.authorization.v1.${name}`;

export const otherDescriptions: Descriptions = {
  [core("Namespace")]: { "": "A Namespace holds objects whose names are unique within it." },
  [core("NamespaceStatus")]: {
    "": "How a Namespace stands.",
    phase: "Active, or Terminating while what it holds is deleted.",
    conditions: "What keeps it from being deleted.",
  },
  [core("Node")]: { "": "A worker, which runs Pods." },
  [core("NodeSpec")]: {
    "": "What is asked of a worker.",
    unschedulable: "It takes no more Pods.",
    taints: "Keep Pods away that do not tolerate them.",
  },
  [core("NodeStatus")]: {
    "": "How a worker stands.",
    capacity: "All it has.",
    allocatable: "What Pods may use of it.",
    conditions: "Ready, and what ails it.",
    addresses: "Where it can be reached.",
    nodeInfo: "Its system and versions.",
  },
  [core("ConfigMap")]: {
    "": "Settings for Pods to read.",
    data: "Texts by key.",
    binaryData: "Bytes by key, as base64.",
    immutable: "With true the data cannot be changed.",
  },
  [core("Secret")]: {
    "": "Secret settings for Pods to read; encrypted where they are stored.",
    data: "Bytes by key, as base64.",
    stringData: "Texts by key, added to data when written. Never read back.",
    type: "What the data is for. Default Opaque.",
    immutable: "With true the data cannot be changed.",
  },
  [core("ServiceAccount")]: {
    "": "An identity for Pods.",
    secrets: "Secrets that its Pods may use.",
    imagePullSecrets: "Secrets with which its Pods' images are pulled.",
    automountServiceAccountToken: "Whether its Pods get a token.",
  },
  [core("Service")]: { "": "A name for the API server itself; others have no effect." },
  [core("Event")]: {
    "": "Something that happened to an object. Kept for an hour.",
    involvedObject: "The object.",
    reason: "What happened, in one word.",
    message: "What happened, for people.",
    source: "Who reports it.",
    firstTimestamp: "When it first happened.",
    lastTimestamp: "When it last happened.",
    count: "How often it happened.",
    type: "Normal or Warning.",
    eventTime: "When it happened.",
    reportingComponent: "Which controller reports it.",
    reportingInstance: "Which process of it.",
  },
  "io.k8s.api.events.v1.Event": {
    "": "Something that happened to an object. Kept for an hour.",
    regarding: "The object.",
    reason: "What happened, in one word.",
    note: "What happened, for people.",
    type: "Normal or Warning.",
    eventTime: "When it happened.",
  },
  "io.k8s.api.coordination.v1.Lease": { "": "A claim that its holder renews, to lead or to live." },
  "io.k8s.api.policy.v1.Eviction": {
    "": "Asks a Pod to end, as for maintenance of its worker.",
    deleteOptions: "How it is to be deleted.",
  },
  [authorization("SelfSubjectAccessReview")]: { "": "Asks whether you may do something." },
  [authorization("SelfSubjectRulesReview")]: { "": "Asks for all that you may do in a namespace." },
  [authorization("SubjectAccessReview")]: { "": "Asks whether somebody may do something." },
  [authorization("SubjectAccessReviewStatus")]: {
    "": "The answer.",
    allowed: "It is allowed.",
    denied: "It is forbidden, whatever others say.",
    reason: "Why.",
    evaluationError: "What went wrong in finding out.",
  },
  [authorization("ResourceAttributes")]: {
    "": "What is to be done, and to what.",
    namespace: "The namespace; empty is all.",
    verb: "get, list, watch, create, update, patch, delete...; * is all.",
    group: "The group; * is all.",
    version: "The version; * is all.",
    resource: "The resource; * is all.",
    subresource: "The subresource.",
    name: "The object's name; empty is all.",
  },
  "io.k8s.api.authentication.v1.SelfSubjectReview": { "": "Asks who you are." },
  "io.k8s.api.authentication.v1.UserInfo": {
    "": "Who somebody is.",
    username: "Unique among all users.",
    uid: "Tells users apart who have the same name in turn.",
    groups: "Groups that the user belongs to.",
    extra: "What else is known.",
  },
};
