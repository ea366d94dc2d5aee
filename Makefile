# The few things that a contributor types. Everything behind them is in tools/.

SHELL := /bin/bash -euo pipefail

# fuzz: how long each target runs. bench: how often each benchmark runs, and a
# file of an earlier run to compare with.
FUZZTIME ?= 10s
COUNT ?= 6
BASE ?=

.DEFAULT_GOAL := help
.PHONY: help setup test check build generate fmt reproducible mutate fuzz bench update-golden up clean

help: ## say what there is to type
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

test: ## set up what is missing, run every test that this machine can run
	@tools/test.sh

check: setup ## formatting, lint, layers, generated files: all but the tests
	@tools/check.sh

build: setup ## build everything
	@. tools/env.sh && bazel build //...

generate: setup ## run every go:generate directive
	@tools/generate.sh

fmt: setup ## format, tidy the modules and write the BUILD files
	@tools/fmt.sh

reproducible: setup ## build the programs twice from nothing and compare them
	@tools/reproducible.sh

mutate: ## show that the tests notice every changed security decision
	@go run ./tools/mutate

fuzz: ## run every fuzz target for FUZZTIME (10s)
	@tools/fuzz.sh $(FUZZTIME)

bench: setup ## run every benchmark COUNT times; BASE=file compares with an earlier run
	@tools/bench.sh $(COUNT) $(BASE)

update-golden: ## write the golden files anew; read the diff afterwards
	@tools/update-golden.sh

up: ## start a local cluster
	@echo "make up comes with the services: there is no cluster to start yet" >&2; exit 1

clean: ## remove what was built here
	@. tools/env.sh && rm -rf "$$results" && if command -v bazel >/dev/null; then bazel clean; fi

setup:
	@tools/setup.sh
