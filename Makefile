# Works on a fresh machine with Python 3.11 or later and a package index; no root.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: lab test long-test language-test plan-truth crash-test ansible check check-static format typed clean

lab: $(VENV)/.sandbox
	$(BIN)/runbook play playbooks/lab.yml

# Three workers on two cores: most of what the tests do is to wait.
test: $(VENV)/.test ansible
	$(BIN)/pytest -n 3 --dist loadfile -m "not long" $(TESTS)

# Whole labs that `make test` leaves out.
long-test: $(VENV)/.test
	$(BIN)/pytest -n 2 --dist loadfile -m long tests

# All cases that ansible-core and runbook both play; `make test` plays every third.
language-test: $(VENV)/.test ansible
	$(BIN)/pytest -n 2 --dist loadfile tests/language

# Random playbooks in random worlds: does a run do what its plan says? `make test` plays a spread of them.
plan-truth: $(VENV)/.test
	RUNBOOK_TRUTH=$(or $(EXAMPLES),1000) $(BIN)/pytest -q -n 2 tests/truth

# The lab killed at every moment of it (docs/crash.md): hours. `make test` plays a spread of the moments.
crash-test: $(VENV)/.test
	RUNBOOK_CRASH=$${RUNBOOK_CRASH:-full} $(BIN)/pytest -s tests/crash

check: check-static ansible
	$(BIN)/pytest -q -n 3 --dist loadfile -m "not long" $(TESTS)

check-static: $(VENV)/.check typed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd build/typed && MYPYPATH=$(CURDIR)/build/typed $(abspath $(BIN))/mypy --config-file $(CURDIR)/pyproject.toml -p runbook

format: $(VENV)/.check
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The rooms as the installed package lays them out: type checkers can't follow an editable install's hook.
typed:
	rm -rf build/typed && mkdir -p build/typed/runbook
	ln -s $(CURDIR)/engine/*.py $(CURDIR)/engine/py.typed build/typed/runbook/
	ln -s $(CURDIR)/modules $(CURDIR)/sandbox build/typed/runbook/

# Each extra has a stamp of its own, so that `make lab` and `make test` work in any order and again.
$(VENV)/.sandbox $(VENV)/.test $(VENV)/.check: setup.cfg pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[$(patsubst .%,%,$(notdir $@))]"
	touch $@

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

# The oracle of tests/language stands in an environment of its own, so that nothing of ours can import it.
ansible: .venv-ansible/.stamp

.venv-ansible/.stamp: tests/language/requirements.txt
	$(PYTHON) -m venv .venv-ansible
	.venv-ansible/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

clean:
	rm -rf build .mypy_cache .ruff_cache .pytest_cache
