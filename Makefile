# make demo    the whole road on this machine: git repository, model servers, commits, revert (under 90 seconds)
# make test    every test
# make check   lint, formatting, types, architecture contracts
# make bench   measure; writes bench/results.md
# make lock    choose new versions of everything and write requirements.lock
# make clean   remove what was built, with the environment
#
# Each does all of its own set-up, once, in .venv; nothing outside this folder is touched. Needs only Python 3.11 to
# 3.13 (another one than the first found: make demo PYTHON=/path/to/python3.12), git and make.

PYTHON ?=
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input
QUIET := --quiet --log .venv/pip.log $(if $(MAKE_TERMOUT),,--progress-bar off)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check bench lock clean

# What the caller's shell may have set for other work must not reach in here.
unexport PYTHONPATH PYTHONHOME
export PIP_USER := 0

ifneq ($(words $(CURDIR)),1)
$(error The path "$(CURDIR)" has a space in it, which make cannot handle: clone into a path without one)
endif

# An environment that was moved, or whose Python is gone, is made anew.
ifneq ($(shell cat .venv/place 2>/dev/null)$(wildcard $(PY)),$(CURDIR)$(PY))
$(shell rm -f .venv/made .venv/installed .venv/ready)
endif

help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile

demo: .venv/ready
	@$(PY) -m reconciler demo

test: .venv/ready
	@$(PY) -m pytest -q -n 2 --dist loadfile

check: .venv/ready
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@for each in tests/*/conftest.py; do \
	    MYPYPATH=$$(printf '%s:' tests/ tests/*/) $(PY) -m mypy --no-error-summary $$each || exit 1; done
	@.venv/bin/lint-imports

bench: .venv/ready
	@$(PY) -m bench

.venv/made: .ci/find-python
	@python=$$(.ci/find-python "$(PYTHON)") || exit 1; \
	echo "Setting up .venv with $$($$python --version) ($$python), once."; \
	$$python -m venv --clear .venv || { \
	    echo "That Python could not make a virtual environment; its own words are above." \
	         "Debian, Ubuntu: apt install python3-venv." >&2; exit 1; }
	@echo "$(CURDIR)" > .venv/place
	@touch $@

.venv/installed: requirements.lock .venv/made
	@echo "Installing the tested versions of TensorFlow and the rest (about 700 MB; a few minutes at the first time) ..."
	@$(PIP) install $(QUIET) --requirement requirements.lock || { \
	    echo "Installing failed; the reason is above, the whole story in .venv/pip.log." \
	         "Behind a proxy or a mirror, set what pip needs (for example PIP_INDEX_URL) and run make again." >&2; exit 1; }
	@touch $@

# The build tools come from the lock as well: nothing else is downloaded.
.venv/ready: pyproject.toml .venv/installed
	@$(PIP) install $(QUIET) --no-deps --no-build-isolation --editable . || { \
	    echo "Installing the project itself failed; the reason is above, the whole story in .venv/pip.log." >&2; exit 1; }
	@echo "Set-up is complete."
	@touch $@

lock: .venv/made
	@rm -f .venv/installed .venv/ready
	@$(PIP) install --quiet --upgrade "pip>=25.1" "hatchling>=1.27" editables
	@$(PIP) install --upgrade --upgrade-strategy eager --group test --group lint --group bench --editable .
	@$(PY) .ci/lock.py

clean:
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist ./*.egg-info
