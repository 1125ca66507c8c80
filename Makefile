# Everything one does with UPSS. Each target first sees to .venv; needs Python 3.11+ and make.
MAKEFLAGS += --silent --no-print-directory
SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
# The first Python here that is new enough; `make PYTHON=... setup` takes another.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; \
	done)
# What was compiled is kept, wherever the environment says otherwise: hundreds of processes begin here.
export PYTHONDONTWRITEBYTECODE :=
CATALOGUES := $(wildcard upss/translations/*/LC_MESSAGES/*.po)
INSTALL := $(PY) -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --require-hashes
PYTEST := $(BIN)/pytest -m "not stripe_sandbox"
WITH_BROWSER := UPSS_CHROMIUM=$$($(PY) -m tools.browser) && export UPSS_CHROMIUM
WITH_HLEDGER := UPSS_HLEDGER=$$($(PY) -m tools.hledger) && export UPSS_HLEDGER

.PHONY: help setup demo test nightly quick lint format types contracts catalogue check-catalogue \
	check-lock lock compiled tests coverage bench mutation migrate serve worker build clean

help: ## this list
	awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.installed $(VENV)/.compiled ## makes .venv from requirements.lock, and again only when that changes

# Not compiled here: that is a third of the time, and most of it is never used. Two at a time, each
# half of the lock, which names everything that anything needs (the last line checks it): pip waits
# for one file after the other.
$(VENV)/.installed: requirements.lock pyproject.toml
	test -n "$(PYTHON)" || { echo "UPSS needs Python 3.11 or newer." >&2; exit 1; }
	test -x $(PY) || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python cannot make environments here; on Debian: apt-get install python3-venv" >&2; exit 1; }
	echo "Installing what requirements.lock names (a few minutes the first time)"
	awk -v half=$(VENV)/lock. '/^[a-z]/ { n++ } { print > (half n % 2) }' requirements.lock
	$(INSTALL) -r $(VENV)/lock.0 & other=$$!; $(INSTALL) -r $(VENV)/lock.1; mine=$$?; \
		wait $$other && test $$mine = 0
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	said=$$($(PY) -m pip --disable-pip-version-check check) || { echo "$$said" >&2; exit 1; }
	touch $@

$(VENV)/.compiled: $(VENV)/.installed $(CATALOGUES)
	$(PY) -m tools.catalogue compile >/dev/null
	touch $@

demo: setup ## starts a sample marketplace on this machine; Ctrl-C stops all of it
	$(BIN)/upss demo

test: setup ## all that must pass before a change goes in
	$(MAKE) -j 2 --output-sync lint types contracts check-lock check-catalogue compiled
	$(MAKE) tests coverage

# Once, while the types are checked: else each worker compiles every test by itself.
compiled: setup
	$(BIN)/pytest -n0 --quiet --collect-only tests >/dev/null

# Two halves at the same time, for tests with a browser wait half of theirs; what these say is shown
# at the end. They go in two groups (InTwo in tests/e2e/conftest.py): what looks at the filled demo,
# and what walks through an empty one.
tests: setup
	mkdir -p build
	$(WITH_HLEDGER) && $(WITH_BROWSER) || exit 1; \
	COVERAGE_FILE=build/.coverage.browser \
		$(PYTEST) -n 2 --dist loadfile tests/e2e --cov --cov-report= >build/browser.log 2>&1 & browser=$$!; \
	trap 'kill $$browser 2>/dev/null' INT TERM; \
	$(PYTEST) -n 3 --ignore=tests/e2e --cov --cov-report=; others=$$?; \
	wait $$browser; seen=$$?; cat build/browser.log; \
	test $$others$$seen = 00
	$(BIN)/coverage combine --quiet --append build/.coverage.browser

coverage: setup
	$(BIN)/coverage report --skip-covered --show-missing --fail-under=95
	$(BIN)/coverage report --skip-covered --show-missing --include='*/rules/*' --fail-under=100
	$(BIN)/coverage report --skip-covered --show-missing --include='upss/ledger/*' --fail-under=100

# One after the other, each to its end: what fails in one says nothing of the other. Most of those
# with a browser are visits of test_axe.py, so both workers take them, each with a demo of its own.
nightly: setup ## the same tests with many more trials: every crash point, page, language and mode
	export UPSS_NIGHTLY=1; $(WITH_HLEDGER) && $(WITH_BROWSER) || exit 1; \
	$(PYTEST) -n 3 --ignore=tests/e2e --hypothesis-profile=ci; others=$$?; \
	$(PYTEST) -n 2 tests/e2e; test $$others$$? = 00

quick: setup ## the tests of rules and services only
	$(BIN)/pytest -n 2 tests/rules tests/services

bench: setup ## measures and prints ratios, each within one run (half an hour to an hour; docs/performance.md)
	mkdir -p build
	$(PY) -m bench.ledger --json build/bench-ledger.json
	$(PY) -m bench.queue --json build/bench-queue.json

mutation: setup ## changes the code of the money one thing at a time and counts what the tests notice
	$(PY) -m tools.mutate

lint: setup ## ruff: rules and format
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .

format: setup ## puts the code into its one format
	$(BIN)/ruff check --quiet --fix-only .
	$(BIN)/ruff format .

types: setup ## mypy, strict
	$(BIN)/mypy --no-error-summary

contracts: setup ## who may import whom (import-linter)
	$(BIN)/lint-imports --no-logo

catalogue: setup ## collects the words of pages and code for translation and compiles the catalogues
	$(PY) -m tools.catalogue update
	$(PY) -m tools.catalogue compile

check-catalogue: setup
	$(PY) -m tools.catalogue check

lock: setup ## pins the newest permitted versions in requirements.lock
	$(PY) -m tools.lock write --upgrade

check-lock: setup
	$(PY) -m tools.lock check

migrate: setup ## makes the two roles and the database where they are missing, and brings its tables up to date
	$(BIN)/upss db init
	$(BIN)/upss db upgrade

serve: setup ## serves the pages with the settings of the environment
	$(BIN)/upss serve

worker: setup ## runs background jobs and timers with the settings of the environment
	$(BIN)/upss worker

build: setup ## wheel and source archive, in dist/
	$(BIN)/hatchling build

clean: ## removes what was made, except .venv and instance/
	rm -rf build dist htmlcov screenshots .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache \
		.ruff_cache .import_linter_cache
	find upss tests tools bench -name __pycache__ -prune -exec rm -rf {} +
