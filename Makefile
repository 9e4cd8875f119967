# Copyright The auditchain Authors
# SPDX-License-Identifier: Apache-2.0
#
# Needs Go, make and git; everything else is fetched through the Go module proxy.
# Binaries go to bin/, what they are made of to .build/; both are ignored by git.

GO        ?= go
FUZZTIME  ?= 10s
DATA      := $(or $(AUDITCHAIN_DATA),data)
KEY_FILE  := $(or $(AUDITCHAIN_KEY_FILE),$(DATA)/audit.key)

# Pinned tools.
OCB_VERSION           := v0.165.0
GOLANGCI_LINT_VERSION := v2.15.0

BIN   := $(CURDIR)/bin
TOOLS := $(CURDIR)/.build/tools

# What the binaries are built from. Go itself knows what must be compiled again;
# this only spares it the question.
SOURCES := go.mod go.sum $(shell find audit cmd examples exporter integrity internal processor receiver \
             -type f -not -name '*_test.go' -not -path '*/testdata/*' 2>/dev/null)

# The race detector needs a C compiler; without one the tests run without it.
RACE := $(if $(shell command -v $$($(GO) env CC) 2>/dev/null),-race)

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: collector cli victoria-logs bin/agent-session bin/demo ## show the whole way of an audit event, with a real log backend
	@bin/demo -bin $(BIN)

.PHONY: run
run: collector cli $(KEY_FILE) ## build and run the Collector (a key is made when there is none)
	@mkdir -p $(DATA)/api-calls
	AUDITCHAIN_DATA=$(DATA) AUDITCHAIN_KEY_FILE=$(KEY_FILE) \
	  exec bin/otelcol-auditchain --config collector-config.yaml --feature-gates=stanza.synchronousLogEmitter

$(KEY_FILE): | bin/auditchain
	@mkdir -p -m 700 $(DATA) $(dir $@)
	bin/auditchain key new --verification-key-out $@.verification $@

.PHONY: test
test: collector cli victoria-logs bin/agent-session bin/demo ## run every test, the end-to-end ones included
	@$(if $(RACE),,echo "no C compiler: testing without the race detector")
	AUDITCHAIN_BIN=$(BIN) $(GO) test $(RACE) -timeout 20m ./...
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) build ./...
	cd internal/tools && $(GO) vet ./... && $(GO) test ./...
	cd bench && $(GO) vet ./... && $(GO) test ./... && $(GO) run . -short

.PHONY: keys-cloud
keys-cloud: ## test the packages for key management services (downloads their SDKs)
	cd keys/cloud && $(GO) vet ./... && $(GO) test ./...

.PHONY: torture
torture: collector cli victoria-logs bin/agent-session bin/demo ## fail every system call, kill, fill the disk: nothing acknowledged is lost (Linux, minutes)
	@command -v strace >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -qq -y strace; \
	  else echo "torture needs strace; install it as root, on Debian with: apt-get install strace"; exit 1; fi
	AUDITCHAIN_TORTURE=long $(GO) run ./internal/torture -bin $(BIN) $(if $(WRITE),-write $(WRITE))

.PHONY: bench
bench: ## compare with other exporters and redactors (docs/BENCHMARKS.md is written by it)
	cd bench && $(GO) run .

.PHONY: redaction-report
redaction-report: ## what leaks and what is touched, next to gitleaks and redactionprocessor (docs/REDACTION-REPORT.md is written by it)
	cd bench && AUDITCHAIN_CORPUS= $(GO) run ./redactionreport -o ../docs/REDACTION-REPORT.md
	@echo "wrote docs/REDACTION-REPORT.md"
	@$(if $(AUDITCHAIN_CORPUS),cd bench && AUDITCHAIN_CORPUS="$(abspath $(AUDITCHAIN_CORPUS))" $(GO) run ./redactionreport)
	@$(if $(CORPUS),cd bench && AUDITCHAIN_CORPUS= $(GO) run ./redactionreport -corpus "$(abspath $(CORPUS))")

.PHONY: bench-large
bench-large: ## the journal alone, and opening and proving, with up to 10 million records (an hour, 15 GB of disk)
	AUDITCHAIN_BENCH_LARGE=1 $(GO) test -run '^$$' -bench 'OpenAppendClose|GroupCommit|Memory|Rotation|Compression' -timeout 60m ./audit/journal
	cd bench && $(GO) run . -large -only prove && $(GO) run . -large -only open

.PHONY: bench-collector
bench-collector: collector bin/otelcol-neighbour ## make bench, and two whole Collectors side by side
	cd bench && $(GO) run . -collector $(BIN)/otelcol-auditchain -neighbour-collector $(BIN)/otelcol-neighbour

bin/otelcol-neighbour: bench/collector/builder-config.yaml bench/collector/build.sh | $(TOOLS)/builder-$(OCB_VERSION)
	bench/collector/build.sh $(TOOLS)/builder-$(OCB_VERSION) $@

.PHONY: lint
lint: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) ## check format, vet and static analysis
	@unformatted=$$(gofmt -l audit bench cmd examples exporter integrity internal keys processor receiver); \
	  if [ -n "$$unformatted" ]; then echo "not formatted; run gofmt -w:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) run ./...

.PHONY: fuzz-short
fuzz-short: ## run every fuzz target for FUZZTIME (10s) each
	@set -e; \
	for file in $$(grep -rl --include='*_test.go' '^func Fuzz' audit cmd exporter integrity internal processor receiver); do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
	    echo "$$target in $$(dirname "$$file")"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")"; \
	  done; \
	done

.PHONY: clean
clean: ## remove what was built (never data/)
	rm -rf bin .build

# --- what the targets above are made of -----------------------------------------

.PHONY: cli collector victoria-logs
cli: bin/auditchain ## build the command-line tool, bin/auditchain
collector: bin/otelcol-auditchain ## build the Collector, bin/otelcol-auditchain
victoria-logs: bin/victoria-logs ## build the log backend of the demo and the tests

bin/auditchain: $(SOURCES)
	CGO_ENABLED=0 $(GO) build -trimpath -o $@ ./cmd/auditchain
	@touch $@

bin/agent-session: $(SOURCES)
	CGO_ENABLED=0 $(GO) build -trimpath -o $@ ./examples/agent-session
	@touch $@

bin/demo: $(SOURCES)
	CGO_ENABLED=0 $(GO) build -trimpath -o $@ ./internal/demo
	@touch $@

# ocb writes the Collector's main package, and Go builds it: so an edit costs a
# compilation of what changed, not a run of ocb.
bin/otelcol-auditchain: .build/otelcol/main.go $(SOURCES)
	cd .build/otelcol && CGO_ENABLED=0 GOWORK=off $(GO) build -trimpath -buildvcs=false -ldflags='-s -w' -o $(BIN)/otelcol-auditchain .
	@touch $@

.build/otelcol/main.go: builder-config.yaml go.mod go.sum | $(TOOLS)/builder-$(OCB_VERSION)
	@mkdir -p .build
	GOWORK=off $(TOOLS)/builder-$(OCB_VERSION) --config builder-config.yaml --skip-compilation
	@touch $@

# A module of its own pins VictoriaLogs: nothing of it reaches the project's users.
bin/victoria-logs: internal/victorialogs/go.mod internal/victorialogs/go.sum
	cd internal/victorialogs && CGO_ENABLED=0 GOWORK=off $(GO) build -trimpath -buildvcs=false -ldflags='-s -w' \
	  -o $(BIN)/victoria-logs github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-logs
	@touch $@

$(TOOLS)/builder-$(OCB_VERSION):
	GOBIN=$(TOOLS) $(GO) install go.opentelemetry.io/collector/cmd/builder@$(OCB_VERSION)
	@mv $(TOOLS)/builder $@

$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION):
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv $(TOOLS)/golangci-lint $@
