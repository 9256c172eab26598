# Everything a person runs. `make demo` shows the migration, `make test` proves it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON3 ?= python3
VENV := .venv
PYTHON := $(VENV)/bin/python
PORT ?= 3000
HOST ?= 127.0.0.1
WORKERS ?= 2
THREADS ?= 4
# Processes that test at once: more than there are cores, as tests often wait.
TESTERS ?= 3
PYTEST = $(PYTHON) -m pytest -q -n $(TESTERS) --dist loadfile
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
INSTALL := $(PYTHON) -m pip install -qq --disable-pip-version-check --require-hashes
# Two of these commands may be started at once: pip is one at a time, where the machine has a way to say so.
ALONE := $(if $(shell command -v flock),flock Makefile)
# For every Python from 3.11.0 on and for every machine; what is locked stays, unless it must or ARGS says otherwise.
LOCK := $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS)

.PHONY: help setup dev free-port demo serve worker test test-all lint format bench bench-full pictures pages settings lock

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# Also where PYTHONDONTWRITEBYTECODE is set, a command does not compile hundreds of modules each time. A folder that
# cannot be written to is no error.
setup: $(STAMP) ## build .venv from requirements.txt: what VITAL runs with
	@$(PYTHON) -m compileall -qq vital tenants catalog migrations_ops || true

$(STAMP): requirements.txt
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "error: VITAL needs Python 3.11 or newer, and $(PYTHON3) is $$($(PYTHON3) --version 2>/dev/null || echo 'not there'). Name another: make setup PYTHON3=python3.12" >&2; exit 2; }
	@$(PYTHON3) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $(PYTHON3) cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	@echo "Installing VITAL's packages into $(VENV); the next time they are there."
	@$(ALONE) $(PYTHON3) -m venv $(VENV)
	@$(ALONE) $(INSTALL) -r requirements.txt
	@touch $@

dev: $(DEV_STAMP) setup ## add requirements-dev.txt to it: what tests and checks need

$(DEV_STAMP): requirements-dev.txt $(STAMP)
	@echo "Installing what tests and checks need into $(VENV)."
	@$(ALONE) $(INSTALL) -r requirements-dev.txt
	@touch $@

# Before anything is installed or started. Without any Python, setup says what is missing.
free-port:
	@! command -v $(PYTHON3) >/dev/null || $(PYTHON3) -m vital.port "$(HOST)" "$(PORT)"

demo: $(if $(filter 0,$(DEMO_SERVE)),,free-port) setup ## migrate a sample database before your eyes, then serve it (DEMO_SERVE=0: do not serve)
	@trap 'told=1' INT; env -u DATABASE_URL -u SUPABASE_DB_URL -u VITAL_MIGRATIONS_DATABASE_URL VITAL_DEMO=1 PORT=$(PORT) \
		$(PYTHON) manage.py demo || { code=$$?; [ "$$told" ] || exit $$code; }  # make would speak of Ctrl-C once more

serve: free-port setup ## the production server on $PORT, for DATABASE_URL
	@exec $(PYTHON) -m vital.serve --host $(HOST) --port $(PORT) --workers $(WORKERS) --threads $(THREADS)

worker: setup ## carries out runs in the background, with REDIS_URL; without, each run has a process by itself
	@exec $(PYTHON) manage.py worker

test: dev ## the tests in some minutes, on DATABASE_URL's server or embedded ones (ARGS=tests/api: a part)
	@$(PYTEST) -m "not slow and not browser" $(ARGS)

# Playwright leaves an event loop, beside which Django's ORM refuses to work: the browser has an invocation of its own.
test-all: dev ## all: the slow ones too, what depends on the server on DATABASE_URL's as well, and with a browser
	@env -u DATABASE_URL $(PYTEST) -m "not browser" $(ARGS)
	@[ -z "$$DATABASE_URL" ] || $(PYTEST) -m "server and not browser" $(ARGS)
	@$(PYTEST) -m browser $(ARGS)

lint: dev ## style, types, and who may import whom
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy .
	@$(VENV)/bin/lint-imports --no-cache

format: dev ## put the code in shape
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

bench: dev bench/.venv ## measure everything beside its peers, in about ten minutes (DATABASE_URL: a superuser's)
	@$(PYTHON) -m bench.all

bench-full: dev bench/.venv ## the same at every size, up to 10 million rows: hours
	@$(PYTHON) -m bench.all --full

bench/.venv: bench/requirements.txt
	@$(PYTHON3) -m venv $@ && $@/bin/python -m pip install -qq --disable-pip-version-check -r $<
	@touch $@

pictures: dev ## take the README's pictures anew, from the demo
	@$(PYTHON) docs/pictures/take.py

pages: dev ## write what commands print into docs/ anew (ARGS="-k deciding": of some pages)
	@VITAL_RENEW_PAGES=1 $(PYTHON) -m pytest -q tests/acceptance/test_documentation.py $(ARGS)

settings: setup ## write the reference of settings anew, from vital/settings.toml
	@$(PYTHON) docs/reference/renew.py

lock: setup ## renew both locks from pyproject.toml (ARGS=--upgrade: newer versions too)
	@$(PYTHON) -m pip install --quiet uv
	@$(LOCK) pyproject.toml --output-file requirements.txt
	@$(LOCK) --group dev --constraints requirements.txt --output-file requirements-dev.txt
