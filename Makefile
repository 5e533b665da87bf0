# Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow check fuzz kills truth bench clean

# what is imported is compiled then; the rest need not be: a tenth of the size and of the time
PIP = $(BIN)/python -m pip install --disable-pip-version-check --no-compile -c constraints.txt
# what is said while a step that says nothing itself takes long
BEAT = (while sleep 10; do echo "  ... at it for $$(ps -o etime= -p $$$$ | tr -d ' ')"; done) & beat=$$!; trap "kill $$beat 2>/dev/null" EXIT

# the package alone, which is all that the demo needs
$(VENV)/.package: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing latentia into $(VENV): about 300 MB are downloaded (more where pip takes torch's build for GPUs), mostly torch; a few minutes."
	@# torch first and alone: a later range then finds it installed and does not look for another build
	@$(BEAT); $(PIP) $$(grep '^torch==' constraints.txt) && $(PIP) -e .
	@du -sh $(VENV) | sed 's/\t.*/ installed/'
	touch $@

$(VENV)/.installed: $(VENV)/.package
	@echo "Installing what tests and checks need beside it."
	@$(BEAT); $(PIP) --quiet -e '.[dev]'
	touch $@

demo: $(VENV)/.package
	@echo "Fitting the default model to 1797 handwritten digits: about a minute on two cores."
	$(BIN)/latentia fit digits --out runs/demo --overwrite

test: $(VENV)/.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

test-slow: $(VENV)/.installed
	$(BIN)/python -m pytest -m slow

fuzz: $(VENV)/.installed
	PYTHONPATH=tests $(BIN)/python -m fuzz

kills: $(VENV)/.installed
	PYTHONPATH=tests:tests/helpers $(BIN)/python -m fuzz.kills

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m "" --doctest-modules src/latentia

bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	$(BIN)/python benchmarks/run_all.py

truth: $(VENV)/.installed
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/truth.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache dist build
