# `make test` and `make run` work alone on a fresh machine with Python 3.11+ and make: each sets up .venv first.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin

.PHONY: test lint run names bench bench-hessians generated clean
.DEFAULT_GOAL := test

# The stamp is as new as the last installation of what pyproject.toml asks for.
.venv/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "symprop needs Python 3.11 or newer: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

test: lint
	$(BIN)/python -m pytest -n $(WORKERS)

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

run: .venv/.installed
	@$(BIN)/python examples/digits.py

names: .venv/.installed
	@$(BIN)/python examples/names.py

bench: .venv/.installed
	@$(BIN)/python benchmarks/depth.py
	@$(BIN)/python benchmarks/questions.py
	@$(BIN)/python benchmarks/random_losses.py

# JAX and PyTorch are wanted here alone, so that nothing else waits for their installation.
bench-hessians: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@$(BIN)/python benchmarks/hessians.py

generated: .venv/.installed
	$(BIN)/symprop generate --write

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
