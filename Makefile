# Each target makes .venv by itself, with the versions of constraints.txt. PYTHON picks the interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What a user's environment holds: the wheel and what it needs, in the versions of constraints.txt.
RUNTIME := build/runtime
CONSTRAINTS := constraints.txt
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c $(CONSTRAINTS)
# The interpreters of `make test-pythons`.
PYTHONS ?= python3.11 python3.12 python3.13
DOCS_BUILT := docs/_build docs/gallery docs/api/generated

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test pytest test-hard test-oldest test-pythons coverage mutation lint docs benchmarks dist sbom audit release-check clean

help:
	@echo "make demo        train, compare and explain hybrid models on scikit-learn's digits"
	@echo "make test        run the linters, then every test and docstring example"
	@echo "make test-hard   run the long tests: fuzzing, kills, leaks (about an hour)"
	@echo "make test-oldest   run every test with the oldest versions that pyproject.toml allows"
	@echo "make test-pythons  run every test with each of PYTHONS=\"$(PYTHONS)\""
	@echo "make coverage    run every test and docstring example, and list the lines that none of them ran"
	@echo "make mutation    break algorithms, layer and properties in many ways: do the tests notice? (hours)"
	@echo "make lint        run the linters only"
	@echo "make docs        build the documentation and its gallery into docs/_build/html, offline"
	@echo "make benchmarks  run each file of benchmarks/, one after another"
	@echo "make dist        build the wheel and the sdist into dist/"
	@echo "make sbom        list what the package needs at run time, as CycloneDX, in dist/"
	@echo "make audit       look up licences, withdrawn releases and vulnerabilities of the same"
	@echo "make release-check  run what docs/releasing.md asks for and a machine can do"
	@echo "make clean       remove caches, build products and demo outputs; .venv stays"

demo: $(VENV)/.stamp-demo
	$(BIN)/sklearn-reasoning demo

test: lint pytest

pytest: $(VENV)/.stamp-test
	SCIPY_ARRAY_API=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# No -n: what they measure (memory, kills, threads) wants the machine for itself.
test-hard: $(VENV)/.stamp-test
	SCIPY_ARRAY_API=1 $(BIN)/python -m pytest -m hard tests

# Each in an environment of its own, which stays. With the CUDA build of torch it has 5 GB.
test-oldest:
	$(MAKE) --no-print-directory VENV=.venv-oldest CONSTRAINTS=constraints-oldest.txt pytest

test-pythons:
	@set -e; for python in $(PYTHONS); do \
		version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		echo "== Python $$version"; \
		$(MAKE) --no-print-directory VENV=.venv-$$version PYTHON=$$python pytest; \
	done

coverage: $(VENV)/.stamp-test
	SCIPY_ARRAY_API=1 $(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term-missing

# What has been run is kept in mutants/: stop it, and it goes on where it was.
mutation: $(VENV)/.stamp-mutation
	$(BIN)/python tools/mutation_score.py

lint: $(VENV)/.stamp-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/private_imports.py

# Anew each time, so that neither a warning nor a page of an earlier build is left.
docs: $(VENV)/.stamp-docs
	rm -rf $(DOCS_BUILT)
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

benchmarks: $(VENV)/.stamp-test
	@set -e; for file in $(sort $(wildcard benchmarks/*.py)); do \
		echo "== $$file"; $(BIN)/python $$file; \
	done

dist: $(VENV)/.stamp-test
	rm -rf dist
	$(BIN)/python -m build --no-isolation

sbom: $(RUNTIME)/.stamp $(VENV)/.stamp-release
	$(BIN)/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml --mc-type library \
		--output-file dist/sklearn_reasoning.cdx.json $(RUNTIME)/bin/python

# tools/audit.py ends with 3 where nothing was found but not every question was answered.
audit: $(RUNTIME)/.stamp $(VENV)/.stamp-release
	$(BIN)/python tools/audit.py $(RUNTIME)

release-check: sbom
	$(BIN)/python tools/audit.py $(RUNTIME) || test $$? -eq 3
	$(BIN)/python -m pytest -m "hard or not hard" tests/test_package.py
	$(BIN)/python benchmarks/import_time.py

clean:
	rm -rf $(DOCS_BUILT)
	rm -rf build dist demo-output *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	rm -rf mutants .coverage .coverage.*
	find . -path "./.venv*" -prune -o -type d -name __pycache__ -exec rm -rf {} +

# torch comes first and alone, so that a CPU build of the pinned version that pip finds locally is taken.
# hatchling follows (with what it needs for -e) because the package is then built without isolation.
$(VENV)/.stamp-base: $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=...")'
	@test -x $(BIN)/pip || { echo "Creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing torch into $(VENV) (a few minutes the first time)"
	@$(INSTALL) torch
	@$(INSTALL) hatchling editables
	@touch $@

$(VENV)/.stamp-demo: $(VENV)/.stamp-base pyproject.toml
	@echo "Installing sklearn-reasoning[plot] into $(VENV)"
	@$(INSTALL) --no-build-isolation -e ".[plot]"
	@touch $@

$(VENV)/.stamp-test: $(VENV)/.stamp-base pyproject.toml
	@echo "Installing sklearn-reasoning[test] into $(VENV)"
	@$(INSTALL) --no-build-isolation -e ".[test]"
	@touch $@

$(VENV)/.stamp-docs: $(VENV)/.stamp-base pyproject.toml
	@echo "Installing sklearn-reasoning[docs] into $(VENV)"
	@$(INSTALL) --no-build-isolation -e ".[docs]"
	@touch $@

$(VENV)/.stamp-release: $(VENV)/.stamp-test
	@echo "Installing sklearn-reasoning[release] into $(VENV)"
	@$(INSTALL) --no-build-isolation -e ".[release]"
	@touch $@

# Without pip: neither the bill of materials nor the audit is about it.
$(RUNTIME)/.stamp: constraints.txt pyproject.toml | dist
	rm -rf $(RUNTIME)
	$(PYTHON) -m venv --without-pip $(RUNTIME)
	$(BIN)/python -m pip --python $(RUNTIME)/bin/python install --quiet -c constraints.txt torch
	$(BIN)/python -m pip --python $(RUNTIME)/bin/python install --quiet -c constraints.txt dist/*.whl
	@touch $@

$(VENV)/.stamp-mutation: $(VENV)/.stamp-test
	@echo "Installing sklearn-reasoning[test,mutation] into $(VENV)"
	@$(INSTALL) --no-build-isolation -e ".[test,mutation]"
	@touch $@
