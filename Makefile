# make demo | make test | make lint. Each makes .venv, or brings it up to date, and nothing outside this folder.
# PYTHON=/path/to/python chooses the interpreter (3.11 or newer); SEED=7 chooses the film of the demo.

CANDIDATES := python3.11 python3.12 python3.13 python3.14 python3 python
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in $(CANDIDATES); do $$p -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
INSTALL := $(PIP) install --constraint constraints.txt
TORCH := $(shell grep '^torch==' constraints.txt)
TORCHVISION := $(shell grep '^torchvision==' constraints.txt)

.PHONY: help demo test lint clean

help:
	@echo "make demo   render a new film, watch it, ask about it (SEED=7 for another film)"
	@echo "make test   run all tests"
	@echo "make lint   check style and types"
	@echo "make clean  remove .venv"

demo: .venv/installed
	@$(BIN)/longreel demo --output out $(if $(SEED),--seed $(SEED))

# A process for each core and a thread for each process: small tensors gain nothing from more threads.
test: .venv/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 8 --dist worksteal

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv

# The two stamps are written last, so an interrupted installation is taken up again.
.venv/installed: pyproject.toml constraints.txt
	@$(if $(PYTHON),:,echo "longreel needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=/path/to/python" >&2; exit 1)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo "Installing into .venv: torch first, then longreel. The first time takes some minutes." >&2
	@$(PIP) install "pip>=25.1"
	@$(INSTALL) $(TORCH)
	@$(INSTALL) --editable .
	@touch $@

# torchvision is only what tests compare with, and transformers breaks where it finds it beside this torch.
.venv/installed-dev: .venv/installed
	@$(INSTALL) --group dev
	@$(PIP) install --no-deps --upgrade --target .venv/torchvision-only $(TORCHVISION)
	@touch $@
