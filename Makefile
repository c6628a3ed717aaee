.DEFAULT_GOAL := help
.PHONY: help venv demo test lint slow bench docs clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 8

# The exact versions that the project is tested with. The stamp is written last, so that an
# interrupted install is done again; an environment that works is kept, and brought up to date.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("preimage needs Python 3.11 or newer: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

venv: $(READY) ## create .venv with everything needed

demo: $(READY) ## invert a real series and a real robot arm, and write a report
	$(BIN)/python examples/demo.py

lint: $(READY) ## style, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

test: lint ## every check but the slow tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" --numprocesses 2 --dist loadfile

slow: $(READY) ## the slow tests only
	$(BIN)/python -m pytest -m slow

bench: $(READY) ## measure, and rewrite the tables in benchmarks/results (half an hour)
	$(BIN)/python -m benchmarks.functions

docs: $(READY) ## build the site into docs/_build
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build

clean: ## remove what the targets above made
	rm -rf $(VENV) docs/_build out
