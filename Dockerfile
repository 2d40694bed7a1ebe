# One image for `gantry api`, `gantry scheduler` and `gantry worker`; infra/README.md says how to build it.
# Every RUN is a script of infra/image, so that `npm run image:check` builds the same tree without Docker.

# To pin the content and not only the name: --build-arg NODE_IMAGE=node:24.11.1-bookworm-slim@sha256:...
ARG NODE_IMAGE=node:24.11.1-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY . .
RUN infra/image/install
RUN infra/image/compile
RUN infra/image/assemble /opt/gantry

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
ENV GANTRY_DATA_DIR=/var/lib/gantry
WORKDIR /opt/gantry
COPY --from=build /opt/gantry /opt/gantry
RUN infra/image/data-dir /var/lib/gantry
VOLUME ["/var/lib/gantry"]
# `node` of the base image. By number, since ECS and Kubernetes can tell only then that it is not root.
USER 1000:1000
EXPOSE 7443 7444
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["node", "packages/cli/dist/health-check-main.js"]
# Node handles SIGTERM itself; run it with an init (docker run --init, ECS initProcessEnabled) that reaps orphans.
ENTRYPOINT ["node", "--max-semi-space-size=64", "packages/cli/dist/container-main.js"]
CMD ["--help"]
