# Everything a developer types. Each target installs what it needs into .venv of this folder.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The extension and what it stands on.
RUST := Cargo.toml Cargo.lock $(shell find rust/ring rust/reactor rust/xmss rust/python -path '*/src/*.rs' -o -name Cargo.toml)
TYPESCRIPT := bindings/typescript
ADDON := $(TYPESCRIPT)/native/proofplane.node
# Folders with packages of Node: real peers for the tests, and the compiler of our TypeScript.
NODE := tests/interop/bcoin tests/interop/bbjs tests/interop/noir $(TYPESCRIPT)
NODE_STAMPS := $(NODE:%=%/node_modules/.installed)
JOBS ?= 2
# Every interleaving of the ring, explored; in its own folder, because the flag builds everything anew.
LOOM := RUSTFLAGS='--cfg loom' CARGO_TARGET_DIR=target/loom
# The real servers, for the tests in Rust that run only where these are named. Other ignored tests are parts of tests that start them.
PEERS := $(CURDIR)/tests/interop/bbjs/node_modules/@aztec/bb.js/build/$(if $(filter aarch64,$(shell uname -m)),arm64,amd64)-linux
CARGO_TEST_PEERS := if test -x $(PEERS)/bb; then BB=$(PEERS)/bb AZTEC_WSDB=$(PEERS)/aztec-wsdb \
	cargo test --package proofplane-reactor --test client_real_peers --quiet -- --include-ignored; \
	else echo "skipped: Rust against the real servers, which are not installed"; fi

.DEFAULT_GOAL := help
.PHONY: help setup demo test interop test-all check bench generate pins clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements/dev.txt pyproject.toml $(RUST)
	@cargo --version >/dev/null 2>&1 || { echo "cargo is missing, or has no toolchain: install Rust 1.89 or later"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "python3 cannot make a virtual environment: on Debian, apt-get install python3-venv"; exit 1; }
	@echo "installing into $(VENV) and compiling the extension: a minute or two the first time"
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

$(NODE_STAMPS): %/node_modules/.installed: %/package-lock.json
	@if command -v npm >/dev/null; then echo "npm ci --prefix $*"; npm ci --prefix $* --ignore-scripts --no-audit --no-fund --silent && touch $@; \
		else echo "npm is missing: without Node.js 20 or later, tests that need $* are skipped"; fi

$(ADDON): $(STAMP) $(shell find $(TYPESCRIPT)/native -name '*.rs' -o -name '*.mjs' -o -name Cargo.toml)
	@if command -v node >/dev/null; then echo "node $(TYPESCRIPT)/native/build.mjs"; node $(TYPESCRIPT)/native/build.mjs; fi

setup: $(STAMP) $(NODE_STAMPS) $(ADDON) ## build everything into .venv, install the peers of the tests

demo: $(STAMP) ## mine a chain, prove and verify every block; import a signed Lean chain
	$(BIN)/proofplane demo

test: setup ## the tests (minutes)
	cargo test --workspace --quiet
	$(LOOM) cargo test --package proofplane-ring --lib --release --quiet
	$(BIN)/pytest -m "not slow" -n $(JOBS) --dist worksteal

interop: setup ## only the tests against other languages and real peers; prints the table of languages
	@$(CARGO_TEST_PEERS)
	$(BIN)/pytest tests/interop tests/unit/codegen tests/vectors/test_golden_frames.py -n $(JOBS) --dist worksteal

test-all: setup ## every test, the slow ones too
	cargo test --workspace --quiet
	@$(CARGO_TEST_PEERS)
	$(LOOM) cargo test --package proofplane-ring --lib --release --quiet
	$(BIN)/pytest -n $(JOBS) --dist worksteal

check: setup ## formatting, lint, types, layers
	$(BIN)/ruff format --check src tests benches examples
	$(BIN)/ruff check src tests benches examples
	$(BIN)/mypy
	$(BIN)/stubtest proofplane._native
	$(BIN)/lint-imports
	cargo fmt --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	@if command -v npm >/dev/null; then npm run --prefix $(TYPESCRIPT) --silent format:check; fi

bench: $(STAMP) ## the figures of the README
	$(BIN)/python benches/proving_pipeline.py
	$(BIN)/python benches/rpc/run.py
	$(BIN)/python benches/chain/run.py
	$(BIN)/python benches/barretenberg/run.py

generate: $(STAMP) ## rewrite what is generated: the checklist table in docs/design/proving.md, the bindings of bb, of the verifier and of the echo service
	$(BIN)/python tests/kit/checklist.py
	$(BIN)/python tests/kit/generated.py

pins: ## pin requirements/dev.txt anew from pyproject.toml and dev.in
	$(PYTHON) -m venv .venv/pins && .venv/pins/bin/pip install --quiet pip-tools
	.venv/pins/bin/pip-compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--strip-extras --allow-unsafe --output-file requirements/dev.txt requirements/dev.in pyproject.toml

clean: ## remove what setup and the tests built
	rm -rf $(VENV) $(NODE:%=%/node_modules) target src/proofplane/_native.*.so $(ADDON) $(TYPESCRIPT)/build $(TYPESCRIPT)/dist
	rm -rf bindings/cpp/build bindings/zig/.zig-cache bindings/zig/zig-out
