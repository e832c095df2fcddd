# Two commands, `make demo` and `make test`, each from a bare clone and nothing but python3.
# The README gives the one shell line that each comes to, for machines without make.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint coverage docs clean

demo: .venv/installed-demo
	$(BIN)/tinygrad-edu demo

test: .venv/installed-dev
	$(BIN)/python -m pytest -n auto --maxprocesses 8

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict tinygrad_edu
	$(BIN)/codespell .

docs: .venv/installed-docs
	$(BIN)/mkdocs build --strict
	$(BIN)/python docs/links.py build/site

coverage: .venv/installed-dev
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --cov --cov-report=term

clean:
	rm -rf .venv

# Installed again only when pyproject.toml has changed since. A python3 without pip has one in ensurepip.
.venv/installed-%: pyproject.toml | $(BIN)/python
	@if $(PYTHON) -m pip --version >/dev/null 2>&1; \
	then set -x; $(PYTHON) -m pip --python $(BIN)/python install --quiet -e '.[$*]'; \
	else set -x; $(BIN)/python -m ensurepip && $(BIN)/python -m pip install --quiet -e '.[$*]'; fi
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv --without-pip .venv
