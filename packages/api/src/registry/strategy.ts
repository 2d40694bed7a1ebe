// What the API knows of a kind: everything that the generic verbs ask about it.
import type { FieldErrors, KindInfo, ObjectMeta, PodSpec } from "@gantry/core";
import type { Resource, Store, Stored, StoredObject } from "@gantry/store";

/** An object as clients see it; its fields beside these depend on the kind. */
export interface ApiObject {
  readonly kind?: string | undefined;
  readonly apiVersion?: string | undefined;
  readonly metadata?: ObjectMeta | undefined;
  readonly [field: string]: unknown;
}

/** How writes of a subresource, such as `/status`, treat an object. */
export interface SubresourceRules {
  /** The next object: what such a request may change, on top of what is stored. */
  prepare(next: ApiObject, old: ApiObject): ApiObject;
  validate(next: ApiObject, old: ApiObject): FieldErrors;
}

/** The Pod that an object is, or makes. */
export interface PodOfObject {
  /** Where its metadata and spec are; empty for the Pod itself. */
  readonly path: readonly string[];
  readonly template:
    | { readonly metadata?: ObjectMeta | undefined; readonly spec?: PodSpec | undefined }
    | undefined;
}

/** Objects that nobody stores, made from what the store knows otherwise. They are only read. */
export interface Derived {
  /** By its key. */
  get(store: Store, key: string): Promise<Stored<StoredObject> | null>;
  list(store: Store, namespace: string | undefined): Promise<readonly Stored<StoredObject>[]>;
}

export interface Strategy extends KindInfo {
  /** Where its objects are stored. */
  readonly resource: Resource;
  readonly derived?: Derived;
  /** Fields that an empty object of this kind shows, as in bookmarks. */
  readonly empty: Readonly<Record<string, unknown>>;
  /** Text of a selectable field beside those of metadata; empty when it is not set. */
  field(object: ApiObject, name: string): string;
  /** From the stored form, where the kind is shown in another one. */
  show?(object: ApiObject): ApiObject;
  /** Back to the stored form. */
  hide?(object: ApiObject): ApiObject;
  /** Completes a decoded object whose metadata the API has filled in. May throw QuantityError. */
  prepareCreate(object: ApiObject): ApiObject;
  /** What the server adds of its own after that, which nobody owns. */
  admitCreate?(object: ApiObject): ApiObject;
  validateCreate(object: ApiObject): FieldErrors;
  /** Defaults, and takes over from `old` what a PUT can't change. May throw QuantityError. */
  prepareUpdate(next: ApiObject, old: ApiObject): ApiObject;
  validateUpdate(next: ApiObject, old: ApiObject): FieldErrors;
  warnings(object: ApiObject, old?: ApiObject): readonly string[];
  /** Of kinds that are Pods, or make some. */
  podTemplate?(object: ApiObject): PodOfObject;
  readonly status?: SubresourceRules;
  /** Of Namespaces: who gives up a finalizer of the spec. */
  readonly finalize?: SubresourceRules;
  /** D2: the Warning of a DELETE without propagation policy, whose policy is then Orphan. */
  readonly orphanWarning?: string;
}

export const nameOf = (object: ApiObject): string => object.metadata?.name ?? "";

export const namespaceOf = (object: ApiObject): string => object.metadata?.namespace ?? "";
