# The two commands: `make app` and `make test`. Each sets up everything it needs.
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1
# a full collection after each run would cost every click 0.2 s of CPU with torch and mne imported
export STREAMLIT_RUNNER_POST_SCRIPT_GC = false

.PHONY: app test check bench browser clean

app: .venv/app workspace/.ready
	$(BIN)/python -m streamlit run app.py

# the files of tests are shared out among up to four processes
test: .venv/dev browser check
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

check: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev
	$(BIN)/python -m benchmarks

# torch comes first, by its exact pin: a later range would bring another build of it
.venv/app: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' requirements.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/dev: .venv/app requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

workspace/.ready: .venv/app
	$(BIN)/python -m synth_core simulate demo --out workspace/datasets
	touch $@

# browser tests drive Debian's Chromium
browser:
	@command -v chromium >/dev/null || { \
		as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$as_root apt-get update -qq && $$as_root apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; }

clean:
	rm -rf .venv workspace .pytest_cache .mypy_cache .ruff_cache
