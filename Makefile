# `make test` and `make run` work alone on a fresh machine with Python 3.11+ and make: each sets up .venv first.

PYTHON ?= python3
OLDEST ?= python3.11
# One more than the two cores of a small machine: now and then a test waits for another process.
WORKERS ?= 3
BIN := .venv/bin
# Compiled modules are kept: tests start a hundred processes, each of which would compile the package anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: test test-all test-oldest test-matrix coverage trust lint types
.PHONY: run digits-cnn names names-lstm gpt notebook generated docs docs-extras pictures release-check clean
.PHONY: bench bench-steps bench-busy bench-engines bench-hessians bench-images bench-transformers bench-recurrent
.PHONY: bench-curvature bench-passes bench-extras
.DEFAULT_GOAL := test

# The stamp is as new as the last installation of what pyproject.toml asks for.
.venv/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "symprop needs Python 3.11 or newer: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow"

test-all: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# With the lowest versions that pyproject.toml promises, which tests/oldest.txt lists, and the oldest Python.
test-oldest: .venv-oldest/.installed
	.venv-oldest/bin/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow"

.venv-oldest/.installed: pyproject.toml tests/oldest.txt
	test -x .venv-oldest/bin/python || $(OLDEST) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test]' -c tests/oldest.txt
	touch $@

# On every Python that is here, with the lowest and the highest versions; `python packaging/matrix.py --help` says more.
test-matrix: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python packaging/matrix.py -n $(WORKERS) --dist worksteal -m "not slow"

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What users of another checker see: pyright on a program that uses every public name.
types: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pyright
	$(BIN)/pyright --pythonpath $(BIN)/python tests/user_program.py

run: .venv/.installed
	@$(BIN)/python examples/digits.py

digits-cnn: .venv/.installed
	@$(BIN)/python examples/digits_cnn.py

names: .venv/.installed
	@$(BIN)/python examples/names.py

names-lstm: .venv/.installed
	@$(BIN)/python examples/names_lstm.py

gpt: .venv/.installed
	@$(BIN)/python examples/gpt.py

notebook: .venv/.installed
	@$(BIN)/python examples/execute_notebook.py

bench: bench-steps bench-images bench-transformers bench-recurrent bench-engines bench-hessians bench-curvature
	@$(BIN)/python benchmarks/depth.py
	@$(BIN)/python benchmarks/questions.py
	@$(BIN)/python benchmarks/random_losses.py

bench-steps: bench-extras
	@$(BIN)/python benchmarks/steps.py

bench-images: bench-extras
	@$(BIN)/python benchmarks/images.py

bench-transformers: bench-extras
	@$(BIN)/python benchmarks/transformers.py

bench-recurrent: bench-extras
	@$(BIN)/python benchmarks/recurrent.py

bench-curvature: bench-extras
	@$(BIN)/python benchmarks/curvature.py
	@$(BIN)/python benchmarks/kfac.py

bench-passes: bench-extras
	@$(BIN)/python benchmarks/passes.py

bench-busy: bench-extras
	@$(BIN)/python benchmarks/busy.py

bench-hessians: bench-extras
	@$(BIN)/python benchmarks/hessians.py

bench-engines: bench-extras
	@$(BIN)/python benchmarks/engines.py
	@$(BIN)/python -m benchmarks.engines_torch

# Which branches of the rooms that derive and write code the tests run, and which are left; JAX and PyTorch join in.
coverage: bench-extras
	rm -rf build/coverage && mkdir -p build/coverage
	$(BIN)/python -m coverage run -m pytest -n $(WORKERS) --dist worksteal -m "not slow"
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m trust.branches

# Asks how far the whole can be trusted, and writes docs/trust.json and the table of docs/trust.md; LONG=1 asks for hours.
trust: bench-extras
	$(BIN)/python -m trust $(if $(LONG),--long)

# JAX, PyTorch and autograd are wanted by these alone, so that nothing else waits for their installation.
bench-extras: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'

# A warning is an error: a page that names what is not there, or asks what has no answer, is not built.
docs: docs-extras
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "open build/docs/index.html"

docs-extras: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'

# Also wants TeX, pdftoppm and Chromium; docs/make_pictures.py says which.
pictures: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[pictures]'
	@$(BIN)/python docs/make_pictures.py

# Builds, checks and installs a release, and runs the README from it on every Python from 3.11 on that is here.
release-check: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[release]'
	$(BIN)/python packaging/release_check.py

generated: .venv/.installed
	$(BIN)/symprop generate --write

clean:
	rm -rf .venv .venv-oldest build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
