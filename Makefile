# Two commands: `make run` trains on the embedded sample competition, `make test` checks the project.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test

run: $(VENV)/installed
	$(BIN)/python -m data.synthetic --out input/sample
	$(BIN)/python -m experiments.focal_kfold

test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

# Catalyst 22.4 declares an extra that pip >= 24.1 refuses to read: the environment gets the last pip that accepts it.
$(VENV)/pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet pip==24.0
	touch $@

$(VENV)/installed: requirements.txt $(VENV)/pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@
