# Every target sets up what it needs: a fresh Debian machine with Python 3.11 or 3.12 is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The CPU build of PyTorch. Elsewhere: make setup TORCH="torch --index-url https://download.pytorch.org/whl/cpu"
TORCH ?= torch==2.13.0

.PHONY: setup demo test lint format bench clean

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.txt requirements-train.txt requirements-dev.txt
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade $(TORCH)
	$(BIN)/pip install --quiet -r requirements.txt -r requirements-train.txt -r requirements-dev.txt
	touch $@

demo: setup
	$(BIN)/python local_invoke.py demo --out demo_out

test: lint
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) demo_out
