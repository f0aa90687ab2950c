# Everything that people and CI do here. `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X hotpod.dev/wire.version=$(VERSION)
CACHE    := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/hotpod
TOOLS    := $(CACHE)/tools
# The race detector needs a C compiler; without one the tests run without it and say so.
RACE     := $(if $(shell command -v cc gcc clang 2>/dev/null),-race,)
GOTEST   := $(GO) test $(RACE) -shuffle=on -timeout 20m
# Tests that drive programs of other languages: the race detector would see nothing and make them slow.
UNRACED  := hotpod.dev/environments/contract
GOLANGCI_LINT  := $(TOOLS)/golangci-lint-v2.15.0

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

.PHONY: build
build: ## build every binary into bin/
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...
	cd local && CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o ../bin/ ./cmd/...
	@if command -v mcs >/dev/null; then environments/dotnet/compile environments/dotnet/bin/hotpod-dotnet.exe; fi

.PHONY: setup
setup: ## get what the embedded platform needs: kube-apiserver and etcd (built once, cached), Envoy
	@$(GO) run ./hack/setup

.PHONY: images
images: ## make a container image of every part and environment, in dist/images; PUSH=registry pushes them
	@$(GO) run ./hack/images $(if $(PUSH),--push $(PUSH))

.PHONY: run
run: setup build ## start the embedded platform with the hello example; Ctrl-C stops it
	@hack/run.sh

.PHONY: test-unit
test-unit: ## tests that start no processes, in under a minute
	@[ -n '$(RACE)' ] || echo 'no C compiler: testing without the race detector' >&2
	$(GOTEST) -short ./...
	cd local && $(GOTEST) -short ./...

.PHONY: test
test: setup build ## every test that needs no root: real kube-apiserver, real Envoy, the embedded platform
	@[ -n '$(RACE)' ] || echo 'no C compiler: testing without the race detector' >&2
	@# Compiled together, run one after another: many of them start real processes and watch the clock.
	$(GO) test $(RACE) -exec true ./... >/dev/null
	$(GOTEST) -p 1 $$($(GO) list ./... | grep -vx '$(UNRACED)')
	$(GO) test -shuffle=on -timeout 20m $(UNRACED)
	cd local && $(GO) test $(RACE) -exec true ./... >/dev/null
	cd local && $(GOTEST) -p 1 ./...

.PHONY: e2e
e2e: setup build ## as root: install on a real Kubernetes node made from Go modules, and tell stories there
	@test/e2e/run.sh

.PHONY: generate
generate: ## make deep copies and CRDs from the API types, and the Helm chart from the manifests
	$(GO) generate ./api/... ./manifests/chart

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## format the code
	$(GOLANGCI_LINT) fmt ./...
	cd local && $(GOLANGCI_LINT) fmt ./...

.PHONY: lint
lint: $(GOLANGCI_LINT) ## check the code
	$(GOLANGCI_LINT) run ./...
	cd local && $(GOLANGCI_LINT) run --config ../.golangci.yml ./...

.PHONY: verify
verify: generate fmt ## what to run before a commit: nothing generated is stale, lint and unit tests pass
	$(GO) mod tidy && cd local && $(GO) mod tidy
	git diff --exit-code
	$(MAKE) lint test-unit

.PHONY: bench
bench: setup build ## measure everything side by side and write the figures into docs/performance.md
	bin/perf all --json perf/results/latest.json --docs docs/performance.md --check

$(GOLANGCI_LINT):
	@echo 'building golangci-lint, about five minutes the first time' >&2
	@mkdir -p $(TOOLS)/tmp && GOBIN=$(TOOLS)/tmp $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 && mv $(TOOLS)/tmp/golangci-lint $@
