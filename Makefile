# LoanOps. Two targets do everything: `make run` and `make test`.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GO        ?= go
BIN       := bin
STATE     ?= .loanops
GOFLAGS   += -trimpath
# Without -buildid= a program with cgo tells in which folder the modules were: the same commit would not give the same loanops-worker elsewhere.
LDFLAGS   := -s -w -buildid=
export GOFLAGS

GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
WORKFLOWCHECK := go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: run
run: build ## Build everything, start the platform and take loan-eligibility from raw data to a champion (Ctrl-C ends it)
	$(BIN)/loanops up --state $(STATE)

.PHONY: test
test: build check unit e2e ## Everything that CI runs: build, checks, tests, end to end

.PHONY: build
build: $(BIN)/loanops-devserver programs ## Build the programs into bin/

# Go's own build cache decides what is compiled again.
.PHONY: programs
programs:
	@mkdir -p $(BIN)
	@echo "building loanops, loanops-worker, loanops-api, terraform-provider-loanops"
	@CGO_ENABLED=0 $(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)/loanops ./starter
	@CGO_ENABLED=1 $(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)/loanops-worker ./worker
	@CGO_ENABLED=0 $(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)/loanops-api ./api
	@CGO_ENABLED=0 $(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)/terraform-provider-loanops ./infra/provider

# The Temporal server, its Web UI, the S3 store and the registry are compiled once (5 to 10 minutes on two cores) and again only when
# their own files change. The package names that pass by are the progress.
DEVSERVER_SOURCES := $(shell find devserver -name '*.go' -not -name '*_test.go') devserver/go.mod devserver/go.sum
$(BIN)/loanops-devserver: $(DEVSERVER_SOURCES)
	@mkdir -p $(BIN)
	@echo "building loanops-devserver (Temporal server, Web UI, S3 store, registry): once, 5 to 10 minutes on two cores"
	@cd devserver && set -o pipefail && CGO_ENABLED=0 $(GO) build -v -ldflags '$(LDFLAGS)' -o ../$(BIN)/loanops-devserver . 2>&1 \
		| awk '{n++; if (n % 100 == 0) {printf "  %d packages compiled, now %s\n", n, $$1; fflush()}} /:[0-9]+:[0-9]+:/ {print}'

PACKAGE ?= images

.PHONY: package
package: programs ## OCI images of loanops-api, loanops-worker and loanops, with bills of materials, into a new folder (PACKAGE=images)
	$(BIN)/loanops package --to $(PACKAGE)

.PHONY: unit
unit: ## Unit, property, conformance, provider and replay tests of both modules
	CGO_ENABLED=1 $(GO) test -timeout 15m $$($(GO) list ./... | grep -v -e /tests/e2e -e /tests/containers)
	cd devserver && CGO_ENABLED=0 $(GO) test -timeout 10m ./...

# Those of its tests that run beside each other wait more than they work.
.PHONY: e2e
e2e: build ## End to end with the built programs, on state folders of their own
	CGO_ENABLED=1 $(GO) test -count=1 -parallel 4 -timeout 20m ./tests/e2e

.PHONY: containers
containers: build ## Predictors as containers, held by the kernel to their plans; starts a Docker engine where none answers (root)
	CGO_ENABLED=1 $(GO) test -count=1 -timeout 15m ./tests/containers

.PHONY: runtimes
runtimes: build ## What a predictor costs as a container beside a process; starts a Docker engine where none answers (root)
	CGO_ENABLED=0 $(GO) run ./tests/runtimes

.PHONY: kills
kills: build ## kill -9 of every process in every step of a delivery, with a table; under 25 minutes
	CGO_ENABLED=0 $(GO) run ./tests/kills

DRILLS_OUTPUT ?= drills.json

.PHONY: drills
drills: build ## Every drill of a stream on a platform of its own, held against what a monitor should say; under 25 minutes
	CGO_ENABLED=0 $(GO) run ./tests/drills -output $(DRILLS_OUTPUT) $(if $(NAME),-only $(NAME))

OWN_CACHE  ?=
OWN_OUTPUT ?= own-integration.json

.PHONY: own-integration
own-integration: build ## This project's own repository through ContinuousIntegration, and two commits that must be refused (CONTRIBUTING.md)
	CGO_ENABLED=0 $(GO) run ./tests/ownintegration -output $(OWN_OUTPUT) $(if $(OWN_CACHE),-cache $(OWN_CACHE)) $(if $(NAME),-only $(NAME))

COMPOSE_OUTPUT ?= compose.json

# It builds with Docker, from the commit that is checked out; what `make build` compiled of the Temporal server is used for the stand-in.
.PHONY: compose-test
compose-test: ## docker-compose.yml from a clean clone to promoted versions, killed, upgraded and taken down and up; starts a Docker engine where none answers (root)
	CGO_ENABLED=0 $(GO) run ./tests/compose -output $(COMPOSE_OUTPUT) $(if $(NAME),-only $(NAME))

PEERS_ROWS ?= 10000000
PEERS      ?= .peers

.PHONY: peers-data
peers-data: ## Time from CSV to a validated dataset beside pandas, polars and DuckDB (PEERS_ROWS rows; Python packages into .peers)
	@test -x $(PEERS)/bin/python || python3 -m venv $(PEERS)
	@$(PEERS)/bin/pip install --quiet --upgrade pandas pandera pyarrow polars duckdb
	CGO_ENABLED=0 $(GO) build -o $(PEERS)/ingest ./tests/peers/ingest
	@test -f $(PEERS)/$(PEERS_ROWS).csv || $(PEERS)/ingest -generate $(PEERS_ROWS) $(PEERS)/$(PEERS_ROWS).csv
	$(PEERS)/bin/python tests/peers/data.py $(PEERS)/ingest $(PEERS)/$(PEERS_ROWS).csv

.PHONY: peers-train
peers-train: ## Time from CSV to an evaluated model, step by step (PEERS_ROWS rows)
	@mkdir -p $(PEERS)
	CGO_ENABLED=1 $(GO) build -o $(PEERS)/train ./tests/peers/train
	@test -f $(PEERS)/train-$(PEERS_ROWS).csv || $(PEERS)/train -generate $(PEERS_ROWS) $(PEERS)/train-$(PEERS_ROWS).csv
	$(PEERS)/train $(PEERS)/train-$(PEERS_ROWS).csv

DRIFT_ROWS ?= 1000000

.PHONY: peers-drift
peers-drift: ## Time of drift beside Evidently and a bare DuckDB pass (DRIFT_ROWS rows either side; Python packages into .peers/drift)
	@mkdir -p $(PEERS)
	@test -x $(PEERS)/drift/bin/python || python3 -m venv $(PEERS)/drift
	@$(PEERS)/drift/bin/pip install --quiet --upgrade evidently duckdb pyarrow 'pandas<3' # Evidently knows no pandas 3 yet
	CGO_ENABLED=0 $(GO) build -o $(PEERS)/drifted ./tests/peers/drift
	@test -d $(PEERS)/drift-$(DRIFT_ROWS) || $(PEERS)/drifted -generate $(DRIFT_ROWS) $(PEERS)/drift-$(DRIFT_ROWS)
	$(PEERS)/drift/bin/python tests/peers/drift.py $(PEERS)/drifted $(PEERS)/drift-$(DRIFT_ROWS)

FEATURES_ROWS ?= 1000000

.PHONY: peers-features-python
peers-features-python:
	@mkdir -p $(PEERS)
	@test -x $(PEERS)/features/bin/python || python3 -m venv $(PEERS)/features
	@$(PEERS)/features/bin/pip install --quiet --upgrade 'feast[duckdb]' duckdb polars pyarrow

.PHONY: peers-features
peers-features: peers-features-python ## Time of a point-in-time join beside Feast, bare DuckDB and bare polars (FEATURES_ROWS labels and rows; Python packages into .peers/features)
	CGO_ENABLED=1 $(GO) build -o $(PEERS)/featured ./tests/peers/features
	@test $(PEERS)/features-$(FEATURES_ROWS) -nt $(PEERS)/featured || { rm -rf $(PEERS)/features-$(FEATURES_ROWS); $(PEERS)/featured -generate $(FEATURES_ROWS) $(PEERS)/features-$(FEATURES_ROWS); } # made anew by a program of another form
	$(PEERS)/features/bin/python tests/peers/features.py $(PEERS)/featured $(PEERS)/features-$(FEATURES_ROWS)

ONLINE_APPLICANTS ?= 10000
ONLINE_SECONDS    ?= 10

# What is held is made anew each time, for events change it and it grows old.
$(PEERS)/features-online: peers-features-python
	@mkdir -p $(BIN)
	CGO_ENABLED=0 $(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)/loanops ./starter
	CGO_ENABLED=0 $(GO) build -o $(PEERS)/featuresonline ./tests/peers/featuresonline
	@rm -rf $@
	@$(PEERS)/featuresonline -generate $(ONLINE_APPLICANTS) $@

.PHONY: peers-features-online
peers-features-online: $(PEERS)/features-online ## Reads of online features a second, by 64 callers, beside Feast's server (ONLINE_APPLICANTS, ONLINE_SECONDS; Python packages into .peers/features)
	$(PEERS)/features/bin/python tests/peers/features_online.py $(PEERS)/featuresonline $(BIN)/loanops $< $(ONLINE_SECONDS)

.PHONY: feast-client
feast-client: $(PEERS)/features-online ## A real Feast client (PyPI) asks the features server and gets what is held (Python packages into .peers/features)
	$(PEERS)/features/bin/python tests/peers/features_online.py $(PEERS)/featuresonline $(BIN)/loanops $< 0

.PHONY: check
check: lint ## Formatting, vet, lint, workflow determinism
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run: gofmt -w"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(WORKFLOWCHECK) -config workflowcheck.yaml ./workflows/...
	@terraform=$$(command -v terraform || command -v tofu || true); \
		if [ -n "$$terraform" ]; then "$$terraform" fmt -check -recursive infra; fi

.PHONY: lint
lint: ## golangci-lint: style, and the direction of dependencies
	$(GO) run $(GOLANGCI_LINT) run ./...

.PHONY: vulnerabilities
vulnerabilities: ## Look the dependencies up in the Go vulnerability database (needs the network)
	$(GO) run $(GOVULNCHECK) ./...

.PHONY: bench
bench: ## Benchmarks of scoring, training and serving
	$(GO) test -run '^$$' -bench . -benchmem ./internal/... ./api/...

.PHONY: clean
clean: ## Remove the built programs (state folders stay)
	rm -rf $(BIN)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
