# Everything a developer types. Needs Python 3.11 to 3.13 and make, nothing else: `.venv` is made on first use out of the lock.
# Variables: DETACH=1 and PORT=8000 for up, PURGE=1 for down, SERVICE=booking for logs, ARGS="-k slot -x" for the tests,
# TEST_BACKEND for test-integration, SEED=7 for faults, ROUNDS=1000 for soak, TRIAL_SECONDS=60 for held-up, UPGRADE=1 for lock.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The first of these that runs, is new enough and can make a venv (pyenv's shims exist for versions that are not selected).
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3 $$HOME/.pyenv/versions/3.1[1-3]*/bin/python3; do \
	"$$python" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && { echo "$$python"; break; }; done)

BIN := .venv/bin
FRONTDESK := $(BIN)/frontdesk
PYTEST := $(BIN)/pytest
# So many workers run the tests of `make test` and `make test-unit`, each with servers of its own. Given servers are for one session at a time.
WORKERS ?= 2
DISTRIBUTED = $(if $(filter urls,$(TEST_BACKEND)),,-n $(WORKERS) --no-loadscope-reorder)
TIERS := unit handlers flow contracts integration e2e faults

# $(call retry,COMMAND): registries fail for a moment now and then.
retry = for attempt in 1 2 3; do if $(1); then exit 0; fi; echo "attempt $$attempt of 3 failed" >&2; sleep $$((attempt * 5)); done; exit 1

##@ Run it
.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z][a-z0-9 -]*:.*## / {printf "  %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: .venv/.installed ## the whole system on embedded servers (DETACH=1 returns when ready, PORT= for the gateway)
	@$(FRONTDESK) up $(if $(filter-out 0,$(DETACH)),--detach) $(if $(PORT),--port $(PORT))

.PHONY: down
down: .venv/.installed ## stop it and keep the data (PURGE=1 removes the data)
	@$(FRONTDESK) down $(if $(filter-out 0,$(PURGE)),--purge)

.PHONY: status
status: .venv/.installed ## what runs where
	@$(FRONTDESK) status

.PHONY: logs
logs: .venv/.installed ## follow the logs (SERVICE=booking for one)
	@$(FRONTDESK) logs -f $(SERVICE)

.PHONY: migrate
migrate: .venv/.installed ## bring the databases of the running stack to the newest schema
	@$(FRONTDESK) migrate

##@ Test it
.PHONY: test
test: .venv/.installed ## all tests, on an embedded stack of their own (ARGS= for pytest)
	@$(PYTEST) $(DISTRIBUTED) $(ARGS)

.PHONY: $(TIERS:%=test-%)
test-unit: ## rules without I/O, and the rules of the house
test-handlers: ## each service's messages and requests, on fakes
test-flow: ## the four services in one process, Kafka in memory: what they say to each other, and the stories
test-contracts: ## golden messages, topics, problem codes
test-integration: ## the parts and, over HTTP, the services, on real servers (TEST_BACKEND=testcontainers or urls)
test-e2e: ## the four services over HTTP, and the stories
test-faults: ## kills, pauses, lost connections
test-unit: also = $(DISTRIBUTED)
# A story belongs to two tiers: in process, and over HTTP.
test-flow: also = tests/stories --transport in_process
test-e2e: also = tests/stories --transport http
test-integration: also = tests/e2e tests/stories --transport http
$(TIERS:%=test-%): test-%: .venv/.installed
	@$(PYTEST) tests/$* $(also) $(ARGS)

.PHONY: test-containers
# What differs on containers: the servers themselves, how they are killed, and one story of each service.
test-containers: also = $(patsubst %,tests/e2e/test_%.py,commands doctor_gone outages) $(patsubst %,tests/stories/test_%.py,life checkin) \
	--transport http
test-containers: .venv/.installed ## what speaks to servers, on containers (TEST_BACKEND=testcontainers make test-integration has all)
	@TEST_BACKEND=testcontainers $(PYTEST) tests/integration $(also) $(ARGS)

.PHONY: test-often
test-often: .venv/.installed ## all tests ten times: alone, two side by side, over midnight; goes on where it stopped
	@$(BIN)/python -m tests.support.often

.PHONY: test-compose
test-compose: .venv/.installed ## the composed system, with kills; needs Docker, and is no part of `make test`
	@$(PYTEST) tests/compose -o faulthandler_timeout=1200 $(ARGS)

.PHONY: test-upgrade
test-upgrade: .venv/.installed ## the last release beside this code, forwards and back under load, in two orders; some minutes
	@UPGRADE=some $(PYTEST) tests/upgrade $(ARGS)

.PHONY: test-upgrade-all
test-upgrade-all: .venv/.installed ## the same in all orders of the services; an hour
	@UPGRADE=all $(PYTEST) tests/upgrade $(ARGS)

.PHONY: faults
faults: .venv/.installed ## the rounds of tests/faults in full (SEED=7 seeds them, ROUNDS=5 of each); half an hour
	@FAULT_LOAD=full FAULT_SEED=$(or $(SEED),1) FAULT_ROUNDS=$(or $(ROUNDS),5) $(PYTEST) tests/faults $(ARGS)

# Of other tiers: what has more rounds or lives in full.
RACES := tests/stories/test_model.py $(addprefix tests/e2e/test_,cancel.py calendar.py) \
	$(addprefix tests/integration/,booking/test_registry_races.py availability/test_removals.py)

.PHONY: soak
soak: .venv/.installed ## races in full (ROUNDS=1000 of each) and more lives of the state machine (LIVES=50); half an hour
	@SOAK_ROUNDS=$(or $(ROUNDS),1000) MODEL_LIVES=$(or $(LIVES),50) RACES=full $(PYTEST) tests/soak $(RACES) -o faulthandler_timeout=3000 $(ARGS)

.PHONY: held-up
held-up: .venv/.installed ## who waits how long while one statement, one lock and one record hold a consumer up; ten minutes (TRIAL_SECONDS=600)
	@TRIAL_SECONDS=$(or $(TRIAL_SECONDS),600) $(PYTEST) tests/integration/infra/test_trial.py $(ARGS)

.PHONY: import-full
import-full: .venv/.installed ## an import of 100,000 patients with its memory, on a stack of its own; some minutes
	@IMPORT_LINES=100000 $(PYTEST) tests/e2e/test_cli_import.py $(ARGS)

.PHONY: bench
bench: .venv/.installed ## bookings a second beside a monolith and pgbench, on a stack of its own; five minutes (ARGS="--rounds 1")
	@$(BIN)/python -m benchmarks.bookings $(ARGS)

.PHONY: bench-search
bench-search: .venv/.installed ## the search for open slots beside its SQL alone, on a stack of its own; two minutes
	@$(BIN)/python -m benchmarks.search $(ARGS)

.PHONY: bench-extremes
bench-extremes: .venv/.installed ## every route in a clinic of extremes: answers, event loops, memory; some minutes (ARGS="--share 0.1")
	@$(BIN)/python -m benchmarks.extremes $(ARGS)

.PHONY: bench-short
bench-short: .venv/.installed ## all for a moment: that they run at all, their figures say nothing
	@$(BIN)/python -m benchmarks.bookings --rounds 1 --seconds 1 --in-flight 4
	@$(BIN)/python -m benchmarks.search --rounds 1
	@$(BIN)/python -m benchmarks.extremes --share 0.02 --most-seconds 25

##@ Keep it clean
.PHONY: lint
lint: .venv/.installed ## ruff and import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

.PHONY: types
types: .venv/.installed ## mypy, strict
	@$(BIN)/mypy

.PHONY: fmt
fmt: .venv/.installed ## format, and mend what can be mended
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .

.PHONY: docs
docs: .venv/.installed ## write what is made of the code: .env.example, docs/settings.md, docs/openapi.json, docs/asyncapi.json
	@$(BIN)/python -m deploy.reference

##@ The environment
.PHONY: venv
venv: .venv/.installed ## make .venv out of requirements-dev.lock

.venv/.locked: requirements-dev.lock
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 to 3.13 with its venv module is needed: install it, or say where: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; fi
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then "$(PYTHON)" -m venv --clear .venv; fi
	@echo "installing the locked packages into .venv (a minute or two)"
	@$(call retry,$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements-dev.lock)
	@touch $@

.venv/.installed: .venv/.locked pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation -e .
	@touch $@

# No host name gets into a lock. The dev lock is held to the versions of the other.
COMPILE = $$tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links $(if $(filter-out 0,$(UPGRADE)),--upgrade) pyproject.toml
.PHONY: lock
lock: ## write both locks again (UPGRADE=1 takes newer versions)
	@tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	"$(PYTHON)" -m venv "$$tools"; \
	"$$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv; \
	$(COMPILE) --output-file requirements.lock; \
	$(COMPILE) --extra embedded --extra dev --constraint requirements.lock --output-file requirements-dev.lock
