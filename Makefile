# Everything Xingji needs goes into one virtual environment, made from the locked requirements.
# `make` alone prints what there is.

VENV     ?= .venv
PYTHON   ?= python3
SIZE     ?= 20m
WORKERS  ?= 2
PYTEST_ARGS ?=
FAST_TESTS := $(wildcard tests/unit tests/contract tests/docs tests/repository)

BIN      := $(VENV)/bin
PIP      := $(BIN)/python -m pip --disable-pip-version-check --no-input
EDITABLE := $(PIP) install --quiet --no-deps --no-build-isolation --editable .
COMPILE  := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --strip-extras \
            --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.DEFAULT_GOAL := help
# The two environments are one folder: `make -j` must not install into it twice at once.
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help run test check lint types imports fast-tests format bench setup kernels lock audit clean

help: ## list these targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.runtime kernels ## simulate a bank, load it, print its funnel, retention and busiest paths
	@$(BIN)/xingji demo

test: setup kernels ## run every test
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(PYTEST_ARGS)

check: lint types imports fast-tests ## lint, types, import rules and the fast tests: under two minutes

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy --strict src

imports: setup
	$(BIN)/lint-imports --no-logo

fast-tests: setup kernels
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile -m "not slow" $(PYTEST_ARGS) $(FAST_TESTS)

format: setup ## rewrite the code in the one format, and fix what the linter can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup kernels ## time the engine beside its peers: make bench SIZE=20m
	$(BIN)/python -m benchmarks --size $(SIZE)

setup: $(VENV)/.dev ## install the locked requirements; does nothing unless a lock changed

kernels: $(VENV)/.kernels ## compile the kernels ahead of their first use; again when they changed

lock: $(VENV)/.dev ## resolve pyproject.toml anew into requirements/*.txt, with hashes
	$(COMPILE) --upgrade --build-deps-for editable --output-file requirements/runtime.txt pyproject.toml
	$(COMPILE) --upgrade --extra dev --constraint requirements/runtime.txt \
	    --output-file requirements/dev.txt pyproject.toml

audit: setup ## look the locked requirements up in the public list of known weaknesses
	$(BIN)/pip-audit --require-hashes --disable-pip --requirement requirements/runtime.txt

clean: ## remove the virtual environment, the caches and the demo's data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist .xingji
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	PYTHON=$(PYTHON) sh scripts/create_venv.sh $(VENV)

# Two stamps, so that `make run` does not wait for the linters and the peers of the benchmark.
$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "Installing the locked requirements into $(VENV); the first time takes a minute or two."
	$(PIP) install --quiet --require-hashes --requirement requirements/runtime.txt
	$(EDITABLE)
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing the locked requirements, linters and peers included, into $(VENV)."
	$(PIP) install --quiet --require-hashes --requirement requirements/dev.txt
	$(EDITABLE)
	@touch $(VENV)/.runtime $@

$(VENV)/.kernels: $(VENV)/.runtime $(shell find src/xingji/analysis -name '*.py' 2>/dev/null)
	@$(BIN)/python scripts/compile_kernels.py
	@touch $@
