# One image with every program; docker-compose.yml says which of them a container runs.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN make programs

FROM hashicorp/terraform:1.11.4 AS terraform

FROM debian:bookworm-slim
# libstdc++ is DuckDB's, which the worker links.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libstdc++6 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home loanops \
    && install -d -o loanops /var/lib/loanops /home/loanops/.config \
    && install -d -m 0700 -o loanops /home/loanops/.config/loanops
COPY --from=terraform /bin/terraform /usr/local/bin/terraform
COPY --from=build /src/bin/ /usr/local/bin/
USER loanops
WORKDIR /var/lib/loanops
