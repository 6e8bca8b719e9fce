# The two commands that matter are `make run` and `make test`; `make help` lists the others.
#
# Everything happens in one virtual environment, .venv, which is made when it is first needed: `make run` fills it
# from requirements.txt (what ltm needs to run), everything else from requirements-dev.txt too. Both files pin
# every package by hash and name no index, so pip's own configuration decides where packages come from.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# Any CPython from 3.11 on will do for .venv; the first of these that really runs is taken.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' </dev/null >/dev/null 2>&1; then echo $$p; break; fi; done)
# The versions that `make test` tries, and how many processes pytest uses.
PYTHONS ?= 3.11 3.12 3.13
WORKERS ?= 2
# Arguments for `make run`, `make unit`, `make soak`: make unit ARGS="tests/core -k risk"
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/run.stamp
DEV_READY := $(VENV)/dev.stamp
PROJECTS := pyproject.toml $(wildcard plugins/*/pyproject.toml)
EDITABLE := -e . $(patsubst %/pyproject.toml,-e ./%,$(wildcard plugins/*/pyproject.toml))
FULLY_COVERED := framework/ltm/model/*,framework/ltm/core/*,plugins/*/src/*
COVERED := 85

export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONPATH PYTHONHOME
export PIP_ROOT_USER_ACTION := ignore

.PHONY: help
help:
	@sed -nE 's/^([a-z-]+):.*## (.*)$$/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

# ---- environments --------------------------------------------------------------------------------------------

# make_venv(folder, interpreter). Debian ships Python without ensurepip: there, the pip outside puts one inside.
define make_venv
	@if [ -z "$(2)" ]; then echo "make: Python 3.11 or newer is needed; name one with PYTHON=..." >&2; exit 2; fi
	@echo "== $(1): $$($(2) --version)"
	@rm -rf $(1)
	@if $(2) -c 'import ensurepip' 2>/dev/null; then $(2) -m venv $(1); \
	else $(2) -m venv --without-pip $(1); $(2) -m pip --python $(1)/bin/python install -qq pip; fi
endef

# pip_install(folder, requirements file): pinned packages, then this checkout on top of them. The file is a whole lock,
# so nothing is resolved: older pips look past a pin for `name[extra]`, and fail once a newer release is out.
define pip_install
	@echo "== $(1): installing $(2)"
	@$(1)/bin/python -m pip install -qq --no-deps --require-hashes -r $(2) </dev/null
	@$(1)/bin/python -m pip install -qq --no-deps --no-build-isolation $(EDITABLE) </dev/null
	@$(1)/bin/python -m pip check
endef

$(BIN)/python:
	$(call make_venv,$(VENV),$(PYTHON))

$(RUN_READY): requirements.txt $(PROJECTS) | $(BIN)/python
	$(call pip_install,$(VENV),requirements.txt)
	@touch $@

$(DEV_READY): requirements-dev.txt $(PROJECTS) | $(BIN)/python
	$(call pip_install,$(VENV),requirements-dev.txt)
	@touch $(RUN_READY) $@

.PHONY: $(VENV)
$(VENV): $(DEV_READY)  ## make .venv with everything that development needs

.PRECIOUS: .venv-%/dev.stamp
.venv-%/dev.stamp: requirements-dev.txt $(PROJECTS)
	$(call make_venv,$(@D),$(call interpreter,$*))
	$(call pip_install,$(@D),requirements-dev.txt)
	@touch $@

# interpreter(version): one that really runs, from the path or from pyenv, whose shims may exist and not run.
interpreter = $(shell for p in python$(1) "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$(1).*/bin/python; do \
	if "$$p" -c 'import sys, sqlite3, venv; sys.exit("%d.%d" % sys.version_info[:2] != "$(1)")' </dev/null >/dev/null 2>&1; \
	then echo "$$p"; break; fi; done)

# ---- to use it -----------------------------------------------------------------------------------------------

.PHONY: run
run: $(RUN_READY)  ## the demo: mock broker, synthetic market, all risk rules armed
	@$(BIN)/ltm run $(ARGS)

# ---- to check it ---------------------------------------------------------------------------------------------

.PHONY: test
test: lint type imports cover others  ## everything that CI runs

.PHONY: lint
lint: $(DEV_READY)  ## ruff, its formatter, spelling
	@echo "== ruff check"
	@$(BIN)/ruff check --output-format concise .
	@echo "== ruff format --check"
	@$(BIN)/ruff format --check .
	@echo "== codespell"
	@$(BIN)/codespell

.PHONY: format
format: $(DEV_READY)  ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: type
type: $(DEV_READY)  ## mypy --strict on framework, plugins and tests/typing
	@echo "== mypy --strict"
	@$(BIN)/mypy --strict

.PHONY: imports
imports: $(DEV_READY)  ## the floors of the architecture
	@echo "== lint-imports"
	@$(BIN)/lint-imports --no-logo

.PHONY: unit
unit: $(DEV_READY)  ## the quick tests, without coverage
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow and not soak" $(ARGS) </dev/null

.PHONY: cover
cover: $(DEV_READY)  ## all tests but the soak, with the coverage gates
	@echo "== pytest with coverage"
	@$(BIN)/coverage erase
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report= $(ARGS) </dev/null
	@echo "== coverage of the whole: at least $(COVERED) %"
	@$(BIN)/coverage report --skip-covered --fail-under=$(COVERED)
	@echo "== coverage of model, core and the plugins: 100 %"
	@$(BIN)/coverage report --skip-covered --show-missing --fail-under=100 --include='$(FULLY_COVERED)'

# Every other CPython of $(PYTHONS) that runs here gets its own environment from the same lock and the quick tests.
.PHONY: others
others: $(DEV_READY)  ## the quick tests on the other Pythons that are installed
	@own="$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"; tried=""; absent=""; \
	for version in $(PYTHONS); do \
		if [ "$$version" = "$$own" ]; then continue; fi; \
		found="$$($(MAKE) -s which-$$version)"; \
		if [ -z "$$found" ]; then absent="$$absent $$version"; continue; fi; \
		$(MAKE) unit-$$version; tried="$$tried $$version"; \
	done; \
	echo "== all checks on Python $$own; quick tests also on:$${tried:- none}; not installed here:$${absent:- none}"

.PHONY: which-%
which-%:
	@echo "$(call interpreter,$*)"

unit-%: .venv-%/dev.stamp
	@echo "== pytest on Python $*"
	@.venv-$*/bin/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow and not soak" -p no:cacheprovider </dev/null

.PHONY: soak
soak: $(DEV_READY)  ## the long tests: 200 kills, thousands of simulated worlds (LTM_KILLS, LTM_SIM_SEEDS)
	@$(BIN)/python -m pytest -m soak -n $(WORKERS) --dist worksteal --timeout=0 $(ARGS) </dev/null

.PHONY: bench
bench: $(DEV_READY)  ## every benchmark; their figures also as JSON in bench.json
	@$(BIN)/python benchmarks/run.py --json bench.json $(ARGS) </dev/null

# ---- to look after it ----------------------------------------------------------------------------------------

# Needs uv. The locks cover every platform and every Python from 3.11 on.
UV ?= uv
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
.PHONY: lock
lock:  ## renew requirements.txt and requirements-dev.txt
	@$(COMPILE) --upgrade --group dev pyproject.toml -o requirements-dev.txt
	@$(COMPILE) --group build --group plugins -c requirements-dev.txt pyproject.toml -o requirements.txt

.PHONY: clean
clean:  ## remove environments, caches and build results
	@rm -rf .venv .venv-* .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
		build dist plugins/*/dist
	@find framework plugins tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
