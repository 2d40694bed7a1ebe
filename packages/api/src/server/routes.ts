// Routes of the generic verbs, made from the registry.
import { deleteOptionsMessage, notFound } from "@gantry/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { checkPathName, storeKey } from "../registry/object-key.ts";
import type { ApiObject, Strategy } from "../registry/strategy.ts";
import { bodyOf, mediaTypeOf, readObject, readOptions } from "../requests/body.ts";
import { negotiate } from "../requests/negotiate.ts";
import { deleteOptions, flag, listOptions, queryOf, writeOptions } from "../requests/query.ts";
import {
  addWarnings,
  assertAnswerable,
  includeOf,
  sendBody,
  sendList,
  sendObject,
} from "../responses/send.ts";
import { apply, APPLY_TYPE } from "../verbs/apply.ts";
import { create } from "../verbs/create.ts";
import { deleteWarnings, remove, removeCollection } from "../verbs/delete.ts";
import { checkRevision, list } from "../verbs/list.ts";
import { managerOf } from "../verbs/ownership.ts";
import { parsePatch, patchTypeOf, patchWith } from "../verbs/patch.ts";
import { selectionOf } from "../verbs/selection.ts";
import { replaceWith, update, type UpdateTarget } from "../verbs/update.ts";
import { Watcher } from "../verbs/watch.ts";
import type { ApiContext } from "./context.ts";
import { type Method, refuseOthers } from "./refusals.ts";

interface Params {
  readonly namespace?: string;
  readonly name?: string;
}

const place = (request: FastifyRequest): { namespace: string; name: string } => {
  const { namespace = "", name = "" } = request.params as Params;
  return {
    namespace: namespace === "" ? "" : checkPathName(namespace),
    name: name === "" ? "" : checkPathName(name),
  };
};

export class KindHandlers {
  readonly #context: ApiContext;
  readonly #strategy: Strategy;

  constructor(context: ApiContext, strategy: Strategy) {
    this.#context = context;
    this.#strategy = strategy;
  }

  create = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { namespace } = place(request);
    assertAnswerable(request, false);
    const options = writeOptions(queryOf(request), "CreateOptions");
    const { object, warnings } = readObject(request, this.#strategy, options.fieldValidation);
    addWarnings(reply, warnings);
    const key = request.headers["idempotency-key"];
    const created = await create(this.#context, this.#strategy, {
      namespace,
      object,
      dryRun: options.dryRun,
      author: managerOf(request, options.fieldManager),
      idempotencyKey: this.#strategy.resource === "jobs" ? headerText(key) : undefined,
    });
    addWarnings(reply, created.warnings);
    return this.#send(request, reply, created.code, created.object);
  };

  get = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { namespace, name } = place(request);
    const strategy = this.#strategy;
    assertAnswerable(request, false);
    const options = listOptions(queryOf(request));
    const stored = await this.#context.objects.get(strategy, storeKey(strategy, namespace, name));
    if (stored === null) throw notFound(strategy.plural, strategy.group, name);
    if (options.resourceVersion !== undefined && options.resourceVersion !== "0") {
      await checkRevision(
        this.#context,
        strategy,
        { resourceVersion: options.resourceVersion, resourceVersionMatch: undefined },
        await this.#context.store.revision(),
      );
    }
    const object = await this.#context.objects.renderWhole(strategy, stored);
    return this.#send(request, reply, 200, object);
  };

  list = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply | undefined> => {
    const { namespace, name } = place(request);
    const query = queryOf(request);
    const options = listOptions(query);
    // A watch of one object, in the old form of its path, is one of a list with that name.
    const fieldSelector = name === "" ? options.fieldSelector : `metadata.name=${name}`;
    const selection = selectionOf(this.#strategy, namespace || undefined, {
      labelSelector: options.labelSelector,
      fieldSelector,
    });
    if (options.watch) {
      const { shape } = negotiate(request.headers.accept, { list: true, watch: true });
      const include = includeOf(request);
      const watch = { strategy: this.#strategy, selection, options, shape, include };
      await new Watcher(this.#context, watch, reply).run();
      return undefined;
    }
    assertAnswerable(request, true);
    const listed = await list(this.#context, this.#strategy, selection, options);
    return sendList(request, reply, this.#strategy, listed, this.#context.nowMs());
  };

  update =
    (subresource: UpdateTarget["subresource"]) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const { namespace, name } = place(request);
      assertAnswerable(request, false);
      const options = writeOptions(queryOf(request), "UpdateOptions");
      const { object, warnings } = readObject(request, this.#strategy, options.fieldValidation);
      addWarnings(reply, warnings);
      const manager = managerOf(request, options.fieldManager);
      const target = { namespace, name, subresource, dryRun: options.dryRun, manager };
      const updated = await update(
        this.#context,
        this.#strategy,
        target,
        replaceWith(object, warnings),
      );
      addWarnings(reply, updated.warnings);
      return this.#send(request, reply, updated.code, updated.object);
    };

  patch =
    (subresource: UpdateTarget["subresource"]) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const { namespace, name } = place(request);
      assertAnswerable(request, false);
      const media = mediaTypeOf(request);
      const type = media === APPLY_TYPE ? APPLY_TYPE : patchTypeOf(media);
      const options = writeOptions(queryOf(request), "PatchOptions");
      const manager = managerOf(request, options.fieldManager);
      const target = { namespace, name, subresource, dryRun: options.dryRun, manager };
      const updated =
        type === APPLY_TYPE
          ? await apply(this.#context, this.#strategy, target, bodyOf(request), options)
          : await update(
              this.#context,
              this.#strategy,
              target,
              patchWith(this.#strategy, type, parsePatch(bodyOf(request)), options.fieldValidation),
            );
      addWarnings(reply, updated.warnings);
      return this.#send(request, reply, updated.code, updated.object);
    };

  remove = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { namespace, name } = place(request);
    assertAnswerable(request, false);
    const options = this.#deleteOptions(request);
    addWarnings(reply, deleteWarnings(this.#strategy, options));
    const { body, isObject } = await remove(
      this.#context,
      this.#strategy,
      namespace,
      name,
      options,
    );
    if (isObject) return this.#send(request, reply, 200, body);
    const { format } = negotiate(request.headers.accept, { list: false });
    return sendBody(request, reply, format, 200, body);
  };

  removeCollection = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const { namespace } = place(request);
    assertAnswerable(request, true);
    const options = this.#deleteOptions(request);
    const which = listOptions(queryOf(request));
    const selection = selectionOf(this.#strategy, namespace || undefined, which);
    addWarnings(reply, deleteWarnings(this.#strategy, options));
    const deleted = await removeCollection(this.#context, this.#strategy, selection, {
      ...options,
      limit: which.limit,
    });
    return sendList(request, reply, this.#strategy, deleted, this.#context.nowMs());
  };

  #deleteOptions(request: FastifyRequest) {
    const body = readOptions(request, deleteOptionsMessage, "DeleteOptions");
    return deleteOptions(queryOf(request), body);
  }

  #send(
    request: FastifyRequest,
    reply: FastifyReply,
    code: number,
    object: ApiObject,
  ): FastifyReply {
    const now = this.#context.nowMs();
    return sendObject(request, reply, this.#strategy, code, object, now);
  }
}

const headerText = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;

/** `/apis/batch/v1`, `/api/v1`. */
export const groupPath = (strategy: Pick<Strategy, "group" | "version">): string =>
  strategy.group === ""
    ? `/api/${strategy.version}`
    : `/apis/${strategy.group}/${strategy.version}`;

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;
type Handlers = readonly (readonly [method: Method, handler: Handler])[];

const when = (served: boolean, method: Method, handler: Handler): Handlers =>
  served ? [[method, handler]] : [];

export const registerKind = (
  app: FastifyInstance,
  context: ApiContext,
  strategy: Strategy,
): void => {
  const handlers = new KindHandlers(context, strategy);
  const root = groupPath(strategy);
  const { plural, verbs } = strategy;
  const collection = strategy.namespaced
    ? `${root}/namespaces/:namespace/${plural}`
    : `${root}/${plural}`;
  const single = `${collection}/:name`;
  const can = (verb: Strategy["verbs"][number]): boolean => verbs.includes(verb);
  const serve = (path: string, handled: Handlers): void => {
    for (const [method, handler] of handled) app.route({ method, url: path, handler });
    refuseOthers(
      app,
      path,
      handled.map(([method]) => method),
    );
  };
  serve(collection, [
    ["GET", handlers.list],
    ...when(can("create"), "POST", handlers.create),
    ...when(can("deletecollection"), "DELETE", handlers.removeCollection),
  ]);
  serve(single, [
    ["GET", handlers.get],
    ...when(can("update"), "PUT", handlers.update(undefined)),
    ...when(can("patch"), "PATCH", handlers.patch(undefined)),
    ...when(can("delete"), "DELETE", handlers.remove),
  ]);
  if (strategy.status !== undefined) {
    serve(`${single}/status`, [
      ["GET", handlers.get],
      ["PUT", handlers.update("status")],
      ["PATCH", handlers.patch("status")],
    ]);
  }
  if (strategy.finalize !== undefined) {
    serve(`${single}/finalize`, [["PUT", handlers.update("finalize")]]);
  }
  if (strategy.namespaced) serve(`${root}/${plural}`, [["GET", handlers.list]]);
  registerOldWatches(app, handlers, strategy, root);
};

/** `/watch/` paths of old clients: the same as `?watch=1`. */
const registerOldWatches = (
  app: FastifyInstance,
  handlers: KindHandlers,
  strategy: Strategy,
  root: string,
): void => {
  const watch = (request: FastifyRequest, reply: FastifyReply) => {
    const query = queryOf(request);
    if (!flag(query, "watch")) {
      const url = request.raw.url ?? "";
      request.raw.url = `${url}${url.includes("?") ? "&" : "?"}watch=true`;
    }
    return handlers.list(request, reply);
  };
  const { plural } = strategy;
  app.get(`${root}/watch/${plural}`, watch);
  if (!strategy.namespaced) {
    app.get(`${root}/watch/${plural}/:name`, watch);
    return;
  }
  app.get(`${root}/watch/namespaces/:namespace/${plural}`, watch);
  app.get(`${root}/watch/namespaces/:namespace/${plural}/:name`, watch);
};
