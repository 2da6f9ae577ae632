# Everything a newcomer needs: `make demo` to see the program, `make test` before a commit. Only make and Python 3.11 are needed.

# The first of these that is Python 3.11 or newer builds the environment; PYTHON=/path/to/python names another.
CANDIDATES := python3.11 python3 python3.12 python3.13 python3.14 python
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in $(CANDIDATES); do "$$name" -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && { echo "$$name"; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
UV_VERSION := 0.13.8
PODY_RELEASES := 0.2.5 0.3.4 0.4.1
LOCKER := build/locker
PACKER := build/packer
SITE := build/site-builder
LOCK := $(LOCKER)/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command 'make lock'

# Tests start the program some hundred times: it is compiled once.
unexport PYTHONDONTWRITEBYTECODE

PYTEST_ARGS ?=
SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: help test lint ruff formatting types contracts fast live bench soak demo dist archive binary site pictures lock clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

CHECKS := ruff formatting types contracts

# The checks run while the tests do; one that fails leaves the others running, and make fails at the end.
test: $(INSTALLED) ## Lint, format, types, import contracts and the fast tests
	@$(MAKE) --no-print-directory --keep-going --jobs=3 $(CHECKS) fast

lint: $(INSTALLED) ## Lint, format, strict types, import contracts
	@$(MAKE) --no-print-directory --keep-going --jobs=4 $(CHECKS)

# A check that passes is silent; one that fails prints its output in one piece.
CHECK = @echo "$(1)"; output=$$($(1) 2>&1) || { printf '\n%s fails:\n%s\n' "$(1)" "$$output"; exit 1; }

ruff: $(INSTALLED)
	$(call CHECK,$(BIN)/ruff check)

formatting: $(INSTALLED)
	$(call CHECK,$(BIN)/ruff format --check)

types: $(INSTALLED)
	$(call CHECK,$(BIN)/mypy)

contracts: $(INSTALLED)
	$(call CHECK,$(BIN)/lint-imports --no-cache)

# The longest tests come first (tests/conftest.py), and a worker that has none left takes some of another's.
fast: $(INSTALLED) ## The fast tests alone (PYTEST_ARGS=... adds arguments)
	$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

# The fast suite's options leave tests/live out, so they are replaced here. A worker has a server to itself
# (tests/live/conftest.py); more workers than servers and builds would wait for each other.
live: $(INSTALLED) ## The tests against real servers; needs root and a Docker engine's programs
	$(BIN)/python -m pytest -o addopts="--strict-markers --strict-config -p no:cacheprovider" \
		-n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder -v -rs --durations=10 tests/live $(PYTEST_ARGS)

bench: $(INSTALLED) ## The benchmarks
	$(BIN)/python -m benchmarks

# All cases of the laboratory of faults take some minutes; then a fleet runs for SECONDS.
soak: $(INSTALLED) ## Every fault, then a fleet among failing servers for SECONDS (600)
	$(BIN)/python -m tests.faults.soak --seconds $(SECONDS)

demo: $(INSTALLED) ## The program on its built-in simulator
	@$(BIN)/gputui demo

# The wheel is built from the source distribution, archive and binary from the wheel.
dist: $(PACKER)/.installed ## Wheel, source, single-file archive and binary in dist/
	rm -rf dist
	$(PACKER)/bin/python -m build --no-isolation --outdir dist
	$(PACKER)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall dist/*.whl
	@$(MAKE) --no-print-directory --jobs=2 archive binary

archive:
	$(PACKER)/bin/python -m distribution.archive dist/*.whl dist

binary:
	$(PACKER)/bin/python -m distribution.binary dist

# The pictures of the views are those of the program as it is; the page of a site without them is built in seconds.
site: $(INSTALLED) $(SITE)/.installed ## The documentation as web pages in build/site
	$(BIN)/python -m distribution.site build/site-sources
	NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --quiet --clean

# A clock that begins at the same time makes pictures of two runs alike; the other programs make PNG of SVG.
pictures: $(INSTALLED) ## The pictures of the READMEs in docs/images
	@for program in faketime rsvg-convert pngquant; do command -v $$program >/dev/null || { \
		echo "make pictures needs $$program; on Debian: apt-get install faketime librsvg2-bin pngquant fonts-dejavu-core" >&2; \
		exit 1; }; done
	faketime -f '@2026-11-30 14:20:00' $(BIN)/python -m distribution.pictures readme docs/images

lock: ## Write requirements/*.txt again from pyproject.toml
	@test -x $(LOCKER)/bin/uv || { $(PYTHON) -m venv $(LOCKER) && $(LOCKER)/bin/python -m pip install --quiet uv==$(UV_VERSION); }
	$(LOCK) $(LOCK_ARGS) pyproject.toml --output-file requirements/runtime.txt
	$(LOCK) $(LOCK_ARGS) pyproject.toml --extra demo --extra mcp --group dev requirements/build.in --constraint requirements/runtime.txt --output-file requirements/dev.txt
	$(LOCK) $(LOCK_ARGS) pyproject.toml --extra demo --extra keyring --constraint requirements/runtime.txt --output-file requirements/packed.txt
	$(LOCK) $(LOCK_ARGS) requirements/dist.in --constraint requirements/packed.txt --output-file requirements/dist.txt
	$(LOCK) $(LOCK_ARGS) requirements/site.in --output-file requirements/site.txt
	for release in $(PODY_RELEASES); do \
		printf 'pody[server]==%s\nsetuptools\n' $$release | $(LOCK) $(LOCK_ARGS) - --output-file requirements/live/pody-$$release.txt || exit 1; done

clean: ## Remove what make and the tests have built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis snapshot_report.html
	find gputui tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# Most modules of these packages are never imported, so none is compiled before.
$(PACKER)/.installed: requirements/packed.txt requirements/dist.txt
	'$(PYTHON)' -m venv --clear $(PACKER)
	$(PACKER)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/packed.txt -r requirements/dist.txt
	@touch $@

$(SITE)/.installed: requirements/site.txt
	'$(PYTHON)' -m venv --clear $(SITE)
	$(SITE)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/site.txt
	@touch $@

$(INSTALLED): requirements/dev.txt pyproject.toml
	@test -n '$(PYTHON)' && '$(PYTHON)' -c '$(NEW_ENOUGH)' || { \
		echo "gputui needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null || '$(PYTHON)' -m venv --clear $(VENV) || { \
		echo "Python could not make an environment; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing gputui and its tools in $(VENV): about a minute, once."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index --no-build-isolation --editable .
	@# Else each of the workers of the first tests compiles all of it.
	@$(BIN)/python -m compileall -q -j 0 gputui
	@touch $@
