# Everything works on a machine with only Python 3.11+ and make: what is missing is made in .venv and var/.
PYTHON ?= python3
PY = .venv/bin/python
LOCAL = $(PY) -m crm.embedded exec --with-parent
FRESH = $(LOCAL) --throwaway --
PYTEST = $(FRESH) $(PY) -m pytest
export PYTEST_DEBUG_TEMPROOT = $(CURDIR)/var
# Empty is off: without its compiled files every process would take three times as long to start.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help run test lint bench e2e proof soak shell migrate clean

help: ## list the targets
	@sed -n 's/^\([a-z0-9]*\):.*## /  make \1	/p' Makefile

.venv/ready: pyproject.toml uv.lock
	@command -v $(PYTHON) > /dev/null || { echo "Fairway needs Python 3.11 or newer: install it, or name it with make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -I crm/embedded/bootstrap.py

run: .venv/ready ## start everything, with a demo, until Ctrl-C (PORT, DATABASE_URL, REDIS_URL, BROKER_URL)
	@exec $(PY) -m crm.embedded run --with-parent

test: lint ## lint, then the whole suite (ARGS="-k word" for a part)
	$(PYTEST) -n 2 --dist worksteal $(ARGS)

lint: .venv/ready ## format, lint, types, layers, migrations
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy .
	.venv/bin/lint-imports
	$(FRESH) sh -c '$(PY) manage.py makemigrations --check --dry-run && $(PY) manage.py check'

e2e: .venv/ready ## drive a headless Chromium
	@{ command -v chromium || command -v chromium-browser; } > /dev/null || echo "No Chromium here, so the browser tests will be skipped. On Debian: apt-get install chromium"
	$(PYTEST) -m e2e tests/e2e $(ARGS)

proof: .venv/ready ## the full walls and fuzz runs
	$(PYTEST) -m proof -n 2 --dist worksteal $(ARGS)

soak: .venv/ready ## half an hour of crashes under load (SEED, DURATION, ARGS="-k Q3")
	$(PY) -m tests.rig $(ARGS)

bench: .venv/ready ## the benchmarks (BENCH_SCALE)
	$(LOCAL) --throwaway --durable -- $(PY) -m tests.bench $(ARGS)

shell: .venv/ready ## a Python shell with the models
	@$(LOCAL) -- $(PY) manage.py shell

migrate: .venv/ready ## bring the schema up to date
	@$(LOCAL) -- $(PY) manage.py migrate

clean: ## remove the environment, the caches and all local data
	@! test -f var/run.json || { echo "make run is under way: stop it first (if it was killed, remove var/run.json)"; exit 1; }
	rm -rf .venv var .mypy_cache .ruff_cache .import_linter_cache .hypothesis
