# Two commands do everything: `make demo`, then `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: install demo test lab lock strip clean

install: $(VENV)/installed

# The stamp is older than the lock only when the lock changed; pip then installs what differs.
$(VENV)/installed: requirements.lock.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked environment into $(VENV) (about 2 GB, one to three minutes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install
	@$(BIN)/wikitopics run

test: install
	@$(BIN)/python -m pytest

lab: install
	@$(BIN)/jupyter lab notebooks

# Maintainers: refresh the lock (needs uv) and strip the notebooks.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra test --extra browser-test pyproject.toml -o requirements.lock.txt

strip: install
	$(BIN)/python -m wikitopics.strip notebooks

clean:
	rm -rf data/0*
