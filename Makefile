# Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo lock test test-slow check fuzz kills truth bench clean

# what is imported is compiled then; the rest need not be: a tenth of the size and of the time
PIP = $(BIN)/python -m pip install --disable-pip-version-check --no-compile
LOCKED = $(PIP) --require-hashes --no-deps
# what is said while a step that says nothing itself takes long
BEAT = (while sleep 9; do echo "  ... at it for $$(ps -o etime= -p $$$$ | tr -d ' ')"; done) & beat=$$!; trap "kill $$beat 2>/dev/null" EXIT

# the package alone, which is all that the demo needs
$(VENV)/.package: pyproject.toml constraints.txt requirements.lock
	@echo "Installing latentia into $(VENV): about 300 MB are downloaded (more where pip takes torch's build for GPUs), mostly torch; a few minutes."
	@# torch before the package: its range then finds it installed and does not look for another build
	@$(BEAT); { test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); } && $(LOCKED) -r requirements.lock \
		&& $(PIP) -c constraints.txt $$(grep '^torch==' constraints.txt) && $(PIP) --no-deps --no-build-isolation -e .
	@du -sh $(VENV) | sed 's/\t.*/ installed/'
	touch $@

$(VENV)/.installed: $(VENV)/.package requirements-dev.lock
	@echo "Installing what tests and checks need beside it."
	@$(BEAT); $(LOCKED) --quiet -r requirements-dev.lock
	touch $@

# versions and hashes of all that is installed; torch's block, which comes last, is left out
COMPILE = $(BIN)/python -m piptools compile --quiet --generate-hashes -c constraints.txt --unsafe-package torch --build-deps-for editable \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate --strip-extras
lock: $(VENV)/.package
	$(PIP) --quiet pip-tools
	for name in requirements requirements-dev; do \
		head -3 $$name.lock > $(VENV)/$$name.head; \
		$(COMPILE) $$(test $$name = requirements || echo --extra dev) -o $(VENV)/$$name.lock pyproject.toml; \
		{ cat $(VENV)/$$name.head; sed '/^# The following packages/,$$d' $(VENV)/$$name.lock; } > $$name.lock; \
	done

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
	$(PIP) --quiet -c constraints.txt -e '.[dev,bench]'
	$(BIN)/python benchmarks/run_all.py

truth: $(VENV)/.installed
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/truth.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache dist build
