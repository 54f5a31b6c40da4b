# Everything here sets up .venv by itself; a changed lock sets it up anew.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.locked

.PHONY: demo test lint bench docs figures setup lock

demo: setup
	$(BIN)/restora demo --out demo-products

test: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Figures that need no data; with MODEL=part.restora DATA=parts also those of a trained model.
# A target that is missed is printed, and the next benchmark is run all the same.
bench: setup
	$(BIN)/python benchmarks/metrics.py
	$(BIN)/python benchmarks/promise.py $(if $(MODEL),--model $(MODEL) $(DATA))
	-$(BIN)/python benchmarks/speed.py $(if $(MODEL),$(MODEL) $(DATA))
	$(if $(MODEL),$(BIN)/python benchmarks/restoration.py $(MODEL) $(DATA))
	$(if $(MODEL),$(BIN)/python benchmarks/perception.py $(MODEL) $(DATA))
	-$(BIN)/python benchmarks/memory.py
	-$(BIN)/python benchmarks/inspecting.py
	-$(BIN)/python benchmarks/report.py
	$(if $(ROOT),$(if $(WEIGHTS),RESTORA_WEIGHTS=$(WEIGHTS) )$(BIN)/restora benchmark benchmarks/accuracy/yardstick.toml --data $(ROOT) --out runs/yardstick --table benchmarks/accuracy/results.csv)

docs: setup
	PYTHONPATH=docs $(BIN)/zensical build --clean

# The documentation's pictures and outputs: draws and trains for some minutes where runs/figures is not there yet.
figures: setup
	$(BIN)/python docs/figures/ura_net.py runs/figures
	$(BIN)/python docs/figures/mfr_net.py runs/figures
	$(BIN)/python docs/figures/outputs.py runs/figures

setup: $(STAMP)

# The lock comes first, so that torch finds what it needs at the locked versions and brings only what its own build wants.
$(STAMP): requirements.lock torch.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else "Restora needs Python 3.11, 3.12 or 3.13; name one with: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r torch.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# Needs uv. What torch's CUDA build brings (nvidia, cuda, triton) is left to torch.
lock:
	uv pip compile pyproject.toml torch.lock --quiet --universal --python-version 3.11 --generate-hashes \
	  --extra train --extra openvino --extra dev --extra docs \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --output-file requirements.lock
	$(PYTHON) -c 'import re, pathlib; p = pathlib.Path("requirements.lock"); \
	  left = [e for e in re.split(r"(?m)^(?=[a-z])", p.read_text()) if e.strip() and not re.match(r"(torch|triton|nvidia-[\w-]+|cuda-[\w-]+)==", e)]; \
	  p.write_text("# Every package of core, train, openvino, dev and docs but torch (torch.lock), for Python 3.11 to 3.13. Written by `make lock`.\n" + "".join(left))'
