# Two commands do everything on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# A new entry-point line takes effect at the next install, so the stamp depends on pyproject.toml.
STAMP := $(VENV)/.installed

SIZE ?= 8
SEED ?= 20261201
JOBS ?= 1
MUTATION := build/mutation
SAMPLE := --size $(SIZE) --seed $(SEED)

# Warnings are errors; what is found of all pages is listed before it fails.
SPHINX := $(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --doctree-dir docs/_build/doctrees

.PHONY: demo test test-all test-nightly docs linkcheck mutants gallery bench lint lint-mypy lint-pyright clean

demo: $(STAMP)
	$(BIN)/evisynth demo --output demo

test: $(STAMP) lint
	$(BIN)/python -m pytest -n auto -m "not sweep"

test-all: $(STAMP) lint
	HYPOTHESIS_PROFILE=exploring $(BIN)/python -m pytest -n auto

# The seed that is printed repeats the run: make test-nightly SEED=…
test-nightly: SEED := $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
test-nightly: $(STAMP)
	@echo "hypothesis seed $(SEED)"
	$(BIN)/python -m pytest -n auto -m hypothesis --hypothesis-profile=nightly --hypothesis-seed=$(SEED)

docs: $(STAMP)
	$(SPHINX) --builder html docs docs/_build/html

# Asks the servers that the pages link to.
linkcheck: $(STAMP)
	$(SPHINX) --builder linkcheck docs docs/_build/linkcheck

# Hours, and to be taken up where it stopped: tests/mutation/README.md.
mutants: $(STAMP) $(MUTATION)/durations.xml
	$(BIN)/python tests/mutation/run.py $(SAMPLE) --jobs $(JOBS)
	$(BIN)/python tests/mutation/run.py $(SAMPLE) --jobs $(JOBS) --how afresh
	$(BIN)/python tests/mutation/report.py $(SAMPLE)

$(MUTATION)/durations.xml: | $(STAMP)
	mkdir -p $(MUTATION)
	COVERAGE_FILE=$(MUTATION)/coverage $(BIN)/python -m pytest -m "not sweep and not live_r" -p no:cacheprovider \
		--cov=engine/evisynth/kernels --cov=plugins/estimators/evisynth_estimators --cov-context=test --cov-report= \
		--junitxml=$@ tests/kernels tests/estimators tests/properties tests/reference tests/diagnostics tests/engine \
		tests/plugins/test_conformance.py

gallery: $(STAMP)
	$(BIN)/python docs/gallery.py

bench: $(STAMP)
	$(BIN)/python -m pytest benchmarks --benchmark-only --benchmark-columns=min,median,rounds
	$(BIN)/python benchmarks/compare.py

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(MAKE) --jobs=2 --output-sync=target lint-mypy lint-pyright

# The two type checkers take one core each.
lint-mypy: $(STAMP)
	$(BIN)/mypy engine plugins validation tests benchmarks examples docs/making
	cd examples/third-party-plugin && ../../$(BIN)/mypy --strict .

lint-pyright: $(STAMP)
	$(BIN)/pyright --pythonpath $(BIN)/python
	cd examples/third-party-plugin && ../../$(BIN)/pyright --pythonpath ../../$(BIN)/python

$(STAMP): pyproject.toml examples/third-party-plugin/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --editable examples/third-party-plugin
	touch $(STAMP)

clean:
	rm -rf $(VENV) demo $(MUTATION) docs/_build docs/site .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks
