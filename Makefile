# Every command does its own set-up. The logic of that is in scripts/; what is set up is marked by files in .venv.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test check bench reference assets

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
export PYTHON

help:  ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.dev-installed  ## Make .venv with Ringbid and all that its tests and checks need

demo: $(VENV)/.installed  ## Run Ringbid with simulated publishers, buyers and real calls; nothing is kept
	@scripts/require_demo_tools.sh
	@$(BIN)/ringbid demo $(ARGS)

test: setup  ## Everything CI runs: make check, then the whole test suite on SQLite and PostgreSQL
	@scripts/require_test_tools.sh
	@$(MAKE) --no-print-directory check
	@scripts/run_tests.sh $(BIN)/python $(ARGS)

check: setup  ## Lint, format, types, imports and house rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest tests/house

bench: setup  ## Measure CPU and latency of pings against an empty POST, on SQLite and PostgreSQL
	@scripts/require_test_tools.sh
	@$(BIN)/python -m bench $(ARGS)

reference: setup  ## Generate docs/reasons.md and docs/settings.md from the code
	@$(BIN)/python scripts/make_reference.py

assets:  ## Build what browsers load (needs node and npm); the result is committed
	@cd assets && npm ci --no-audit --no-fund && npm run build

$(VENV)/.installed: pyproject.toml scripts/make_venv.sh
	@scripts/make_venv.sh $(VENV)
	@touch $@

$(VENV)/.dev-installed: pyproject.toml scripts/make_venv.sh
	@scripts/make_venv.sh $(VENV) dev
	@touch $@ $(VENV)/.installed
