# Two commands do everything: `make demo`, then `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: install demo photographs check test-core test test-long test-browser test-wikipedia lab bench executed lint types docs lock strip clean

# What `make check` tests: fast, without Keras, and with something of every subject. Whole files, so that a new test
# in one of them is in the loop too; what is slower is in `make test` alone.
CORE := $(addprefix tests/test_,$(addsuffix .py,\
	house params notebooks cli environment readme docs taxonomy labels heuristics heads labels_people split duplicates \
	metrics thresholds evaluate_predictions evaluate_tables compare))

# Two processes, whatever the number of cores: each may hold 4 GB. Files stay whole, since their tests share fixtures.
BESIDE := --numprocesses=2 --dist=loadfile --no-loadscope-reorder

install: $(VENV)/installed

# The stamp is older than the lock only when the lock changed; pip then installs what differs.
$(VENV)/installed: requirements.lock.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed, but $(PYTHON) is $$($(PYTHON) --version 2>&1);" \
			"name another one: make demo PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "venv is needed: apt install python3-venv"; exit 1; }
	@echo "installing the locked environment into $(VENV) (about 2 GB, one to three minutes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@echo "installed; to have the command wikitopics on your PATH: . $(BIN)/activate"
	@touch $@

demo: install
	@$(BIN)/wikitopics run

# The demo's experiment on photographs, fetched from Wikimedia Commons: make photographs CONTACT=you@example.org
photographs: install
	@test -n "$(CONTACT)" || { echo "Wikimedia wants to know who asks: make photographs CONTACT=you@example.org"; exit 2; }
	@$(BIN)/wikitopics photographs --root photographs --contact "$(CONTACT)"

# The loop at the keyboard: style, types and the core at once, on two cores.
check: install
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target lint types test-core

test-core: install
	@$(BIN)/python -m pytest -m "not browser and not servers and not slow" $(CORE)

# All that needs minutes at most; TESTS="tests/test_train.py ..." for some files of it.
test: install
	@$(BIN)/python -m pytest -m "not browser and not servers and not slow" $(BESIDE) $(TESTS)

# Minutes each: kills, fuzzing, and a real MediaWiki with its database, skipped with a reason where they are not.
test-long: install
	@$(BIN)/python -m pytest -m "(servers or slow) and not browser" $(BESIDE) -rs --durations=10 tests \
		--ignore=tests/test_wikipedia_miniature.py

# The 35 runs of wikipedia/ on made-up downloads.
test-wikipedia: install
	@$(BIN)/python -m pytest -m slow tests/test_wikipedia_miniature.py

# Needs Debian's chromium and chromium-driver; skipped with a reason where they are not.
test-browser: install
	@$(BIN)/python -m pytest -m browser -rs tests

lab: install
	@$(BIN)/jupyter lab notebooks

# All quick benchmarks, 20 minutes on two free cores: the table of benchmarks/README.md. Nothing else should run.
bench: install
	@$(BIN)/python benchmarks/bench.py --write

# Maintainers: the runs of this machine become the copies that are shared, and the README says what they show.
executed: demo
	@$(BIN)/wikitopics share
	@$(BIN)/python -m wikitopics.readme

lint: install
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/python -m wikitopics.batch.strip --check notebooks

types: install
	@$(BIN)/mypy

# The reference, from the docstrings, in docs/api/: pages that open from the folder and ask no host for anything.
docs: install
	@rm -rf docs/.api && TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/pdoc wikitopics --no-show-source \
		--template-directory docs/reference --output-directory docs/.api
	@rm -rf docs/api && mv docs/.api docs/api && echo "open docs/api/index.html"

# Maintainers: refresh the lock (needs uv) and strip the notebooks.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra train --extra deep --extra lab --extra test --extra docs --extra browser-test pyproject.toml -o requirements.lock.txt

strip: install
	$(BIN)/python -m wikitopics.batch.strip notebooks

# The runs in data/, and nothing that people made.
clean: install
	@$(BIN)/wikitopics clean
