# One command a job. Each works alone on a fresh machine with Python 3.11+ (venv) and the package index.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
DATA   ?= .demo

.PHONY: run port test check bench growth soak interop audit mutate documents lock format clean

run: port $(VENV)/.installed
	$(BIN)/scm demo --data $(DATA) --serve

# Said before what takes minutes.
port:
	@$(PYTHON) ops/port.py

test: $(VENV)/.installed-dev
	$(BIN)/python -m ops.verify test

check: $(VENV)/.installed-dev
	$(BIN)/python -m ops.verify check

bench: $(VENV)/.installed-dev
	$(BIN)/python -m tests.benchmarks

# What grows faster than what was written: every event type, n and four times n.
growth: $(VENV)/.installed-dev
	$(BIN)/python -m tests.benchmarks growth

# Interleavings, again and again with other seeds. ROUNDS=60 takes two to three hours.
soak: $(VENV)/.installed-dev
	$(BIN)/python -m ops.soak $(ROUNDS)

# Other people's tools read ours, and ours theirs. Needs Go; exit 75: there is none, nothing was checked.
interop: $(VENV)/.installed-dev
	$(BIN)/python -m tests.interop

# Known vulnerabilities. Exit 75: no source answered, nothing was checked.
audit: $(VENV)/.installed-dev
	$(BIN)/python -m ops.vulnerabilities

mutate: $(VENV)/.installed-dev
	$(BIN)/python -m ops.mutate

documents: $(VENV)/.installed-dev
	$(BIN)/python -m ops.documents

format: $(VENV)/.installed-dev
	$(BIN)/ruff format scmanager tests ops && $(BIN)/ruff check --fix scmanager tests ops

lock: $(VENV)/.installed-dev
	$(BIN)/python -m ops.lock

$(VENV)/.python:
	@$(PYTHON) ops/bootstrap.py $(VENV)

$(VENV)/.installed: $(VENV)/.python requirements/base.txt pyproject.toml
	@echo "Installing what is pinned (160 MB on disk); this may take a minute or two ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q scmanager
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.python requirements/dev.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q scmanager
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) mutants .demo .mypy_cache .ruff_cache .hypothesis .coverage*
