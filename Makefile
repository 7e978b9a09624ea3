# Everything a developer types. Each target installs what it needs into .venv of this folder.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUST := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name Cargo.toml)
BCOIN := tests/interop/bcoin/node_modules
JOBS ?= 2
# Every interleaving of the ring, explored; in its own folder, because the flag builds everything anew.
LOOM := RUSTFLAGS='--cfg loom' CARGO_TARGET_DIR=target/loom

.DEFAULT_GOAL := help
.PHONY: help setup demo test interop test-all check bench generate pins clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements/dev.txt pyproject.toml $(RUST)
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust 1.88 or later"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "python3 cannot make a virtual environment: on Debian, apt-get install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

$(BCOIN): tests/interop/bcoin/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 18 or later"; exit 1; }
	npm ci --prefix tests/interop/bcoin --ignore-scripts --no-audit --no-fund --silent
	@touch $@

setup: $(STAMP) ## build everything into .venv

demo: $(STAMP) ## mine a chain with a reorg, prove and verify every block
	$(BIN)/proofplane demo

test: $(STAMP) $(BCOIN) ## the tests (minutes)
	cargo test --workspace --quiet
	$(LOOM) cargo test --package proofplane-ring --lib --release --quiet
	$(BIN)/pytest -m "not slow" -n $(JOBS) --dist worksteal

interop: $(STAMP) $(BCOIN) ## only the tests against real peers
	$(BIN)/pytest tests/interop

test-all: $(STAMP) $(BCOIN) ## every test, the slow ones too
	cargo test --workspace --quiet -- --include-ignored
	$(LOOM) cargo test --package proofplane-ring --lib --release --quiet
	$(BIN)/pytest -n $(JOBS) --dist worksteal

check: $(STAMP) ## formatting, lint, types, layers
	$(BIN)/ruff format --check src tests benches examples
	$(BIN)/ruff check src tests benches examples
	$(BIN)/mypy
	$(BIN)/stubtest proofplane._native
	$(BIN)/lint-imports
	cargo fmt --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings

bench: $(STAMP) ## the figures of the README
	$(BIN)/python benches/proving_pipeline.py

generate: $(STAMP) ## rewrite what is generated: the checklist table in docs/design/proving.md
	$(BIN)/python tests/kit/checklist.py

pins: ## pin requirements/dev.txt anew from pyproject.toml and dev.in
	$(PYTHON) -m venv .venv/pins && .venv/pins/bin/pip install --quiet pip-tools
	.venv/pins/bin/pip-compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--strip-extras --allow-unsafe --output-file requirements/dev.txt requirements/dev.in pyproject.toml

clean: ## remove what setup built
	rm -rf $(VENV) $(BCOIN) target src/proofplane/_native.*.so
