# The images of LoanOps for whoever builds with Docker, one target each. What is in them is what `loanops package` puts there, without an engine: the same
# programs and files.
#
#   docker build --target loanops --tag loanops --build-arg REVISION=$(git rev-parse HEAD) .
FROM hashicorp/terraform:1.11.4 AS terraform

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY --from=terraform /bin/terraform /usr/local/bin/terraform
# With .git, for Go writes the commit into the programs. What is downloaded and compiled outlives a build: the next one compiles what has changed, and no layer
# holds it. That takes BuildKit, which Docker before 23 uses where DOCKER_BUILDKIT=1 says so; Compose always does.
COPY . .
RUN --mount=type=cache,id=loanops-modules,target=/go/pkg/mod --mount=type=cache,id=loanops-compiled,target=/root/.cache/go-build \
    make programs && bin/loanops package --files /images
# A label says what the programs say: the commit, with -modified behind it where the tree has changes. It is empty where nobody gives REVISION.
ARG REVISION
RUN built=$(go version -m bin/loanops | sed -n 's/.*vcs.revision=//p; s/.*vcs.modified=true/-modified/p' | tr -d '\n') \
    && if [ "${REVISION:-$built}" != "$built" ]; then echo "REVISION is $REVISION, and the programs are of $built" >&2; exit 1; fi

FROM scratch AS loanops-api
ARG REVISION
LABEL org.opencontainers.image.title=loanops-api org.opencontainers.image.revision=$REVISION
COPY --from=build /images/loanops-api/ /
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/loanops-api"]

FROM scratch AS loanops-worker
ARG REVISION
LABEL org.opencontainers.image.title=loanops-worker org.opencontainers.image.revision=$REVISION
COPY --from=build /images/loanops-worker/ /
USER 65532:65532
WORKDIR /var/lib/loanops
ENV PATH=/usr/local/bin HOME=/var/lib/loanops LOANOPS_WORK_DIR=/var/lib/loanops/work LD_LIBRARY_PATH=/usr/lib/loanops LOANOPS_BIN_DIR=/usr/local/bin LOANOPS_HEALTH_ADDRESS=127.0.0.1:7079
HEALTHCHECK --interval=10s --timeout=5s --start-period=1m --retries=3 CMD ["/usr/local/bin/loanops-worker", "healthy"]
ENTRYPOINT ["/usr/local/bin/loanops-worker"]

FROM scratch AS loanops
ARG REVISION
LABEL org.opencontainers.image.title=loanops org.opencontainers.image.revision=$REVISION
COPY --from=build /images/loanops/ /
USER 65532:65532
WORKDIR /var/lib/loanops
ENV PATH=/usr/local/bin HOME=/var/lib/loanops LOANOPS_WORK_DIR=/var/lib/loanops/work
ENTRYPOINT ["/usr/local/bin/loanops"]
