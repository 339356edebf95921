# `make demo` and `make test` set up all that they need on a fresh Debian or Ubuntu with
# Python 3.11 or later; everything else here is for those who work on wideload.
.PHONY: demo test heavy lint types bench clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SYSTEM := scripts/setup-system

$(VENV)/.ready: pyproject.toml $(SYSTEM)
	$(SYSTEM)
	$(PYTHON) -m venv $(VENV) || $(PYTHON) -m virtualenv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -e '.[local]' --group dev
	touch $@

demo: $(VENV)/.ready
	$(BIN)/python examples/demo.py

test: $(VENV)/.ready lint types
	$(SYSTEM) tests
	$(BIN)/pytest -n 2 --dist loadfile

heavy: $(VENV)/.ready
	$(SYSTEM) tests
	$(BIN)/pytest -m heavy

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/mypy

bench: $(VENV)/.ready
	$(BIN)/python bench/build.py

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis examples/.wideload
