# The whole vocabulary of this repository. `make` alone explains it.
# Nothing is needed beforehand but make and Python >= 3.11; everything is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_ARGS ?=
TEST_ARGS ?=
# More than two cores can work at once: many tests wait for processes, outages and pages.
TEST_PROCESSES ?= 3
BENCH_ARGS ?=

# Each stamp stands for "installed as these two files say"; a second run finds it and does nothing.
RUNTIME := $(VENV)/.installed-runtime
DEV := $(VENV)/.installed-dev
PINS := pyproject.toml constraints.txt

# uv is only the faster installer. Where it cannot be had, or cannot reach the package index
# that pip is configured for, pip does the same.
define install
	@if [ -x $(BIN)/uv ] && VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode -c constraints.txt -e '.[$(1)]'; then :; \
	else $(BIN)/python -m pip install --quiet -c constraints.txt -e '.[$(1)]'; fi
endef

.DEFAULT_GOAL := help
.PHONY: help demo test check bench fuzz setup constraints clean

help: ## explain these commands (what you are reading)
	@echo "Hải Đăng: from the shop floor's signals to KPIs and evidence."
	@echo
	@echo "First time here? Run 'make demo': it starts the whole chain on this machine,"
	@echo "without Docker and without root, and says which page to open."
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Flags go through variables:"
	@echo "  make demo DEMO_ARGS='--once --days 3'       a summary instead of a running page"
	@echo "  make test TEST_ARGS='tests/unit -k shift'   some tests only (docs/testing.md)"
	@echo "  make setup PYTHON=python3.12                another interpreter for .venv"

demo: $(RUNTIME) ## start the chain: virtual plant, broker, database, KPIs, console
	@$(BIN)/haidang demo $(DEMO_ARGS)

# Tests start hundreds of processes: without kept bytecode every one of them would compile the same files again.
test: $(DEV) ## run all tests; on the embedded stack, or on what HAIDANG_TEST_* names
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal $(TEST_ARGS)

check: $(DEV) ## lint, format, types and import contracts: what pre-commit and CI run
	@failed=; for tool in "ruff check ." "ruff format --check ." mypy lint-imports; do \
		echo "== $$tool"; $(BIN)/$$tool || failed="$$failed [$$tool]"; \
	done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

bench: $(DEV) ## measure ingest beside a plain COPY and beside a Telegraf found on the path
	$(BIN)/haidang bench ingest --values-per-message 1 $(BENCH_ARGS)
	$(BIN)/haidang bench ingest --values-per-message 20 $(BENCH_ARGS)
	$(BIN)/haidang bench ingest --values-per-message 20 --format sparkplug $(BENCH_ARGS)
	$(BIN)/python -m tests.benchmarks

fuzz: $(DEV) ## damaged messages of every format through ingest's decoders, for MINUTES (default 5), from SEED
	$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED))

setup: $(DEV) ## install everything for development, and the pre-commit hook
	@if [ -e .git ]; then $(BIN)/pre-commit install; fi

constraints: $(BIN)/python ## take the newest versions into constraints.txt (then test, then commit)
	@$(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --all-extras \
		--no-header --no-annotate --output-file constraints.txt pyproject.toml

clean: ## remove .venv, caches, build results and the demo's data
	rm -rf $(VENV) .haidang build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed, '$(PYTHON)' is not. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "On Debian and Ubuntu this needs the package python3-venv." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv || echo "uv cannot be had, using pip" >&2

$(RUNTIME): $(PINS) | $(BIN)/python
	@echo "installing haidang with its embedded database and broker ..."
	$(call install,embedded)
	@touch $@

$(DEV): $(PINS) | $(BIN)/python
	@echo "installing haidang for development ..."
	$(call install,dev)
	@touch $(RUNTIME) $@
