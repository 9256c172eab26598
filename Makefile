# Everything a person runs. `make demo` shows the migration, `make test` proves it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
PORT ?= 3000
HOST ?= 127.0.0.1
WORKERS ?= 2
THREADS ?= 4
STAMP := $(VENV)/.installed

.PHONY: help setup demo serve worker test lint format pictures settings lock

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP) ## build .venv from the locked requirements

$(STAMP): requirements.txt
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: VITAL needs python3 3.11 or newer; this is $$(python3 --version)."; exit 2; }
	@python3 -m venv $(VENV) || { echo "error: python3 cannot make a virtual environment. On Debian: apt-get install python3-venv"; exit 2; }
	@$(PYTHON) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

demo: setup ## migrate a sample database before your eyes, then serve it (DEMO_SERVE=0: do not serve)
	@env -u DATABASE_URL -u SUPABASE_DB_URL -u VITAL_MIGRATIONS_DATABASE_URL VITAL_DEMO=1 PORT=$(PORT) $(PYTHON) manage.py demo

serve: setup ## the production server on $PORT, for DATABASE_URL
	@$(PYTHON) -m vital.wsgi
	@PROMETHEUS_MULTIPROC_DIR=$$(mktemp -d) $(PYTHON) -m granian --interface wsgi --host $(HOST) --port $(PORT) --no-ws \
		--workers $(WORKERS) --blocking-threads $(THREADS) --respawn-failed-workers --workers-kill-timeout 5 vital.wsgi:application

worker: setup ## carries out runs in the background: Celery with REDIS_URL, else a process that asks the database
	@exec $(PYTHON) manage.py worker

test: setup ## the whole test suite, on DATABASE_URL's server or an embedded one
	@$(PYTHON) -m pytest -q $(ARGS)

lint: setup ## style and types
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy .

format: setup ## put the code in shape
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

pictures: setup ## take the README's pictures anew, from the demo
	@$(PYTHON) docs/pictures/take.py

settings: setup ## write the reference of settings anew, from vital/settings.toml
	@$(PYTHON) docs/reference/renew.py

lock: setup ## renew requirements.txt from pyproject.toml
	@$(PYTHON) -m pip install --quiet pip-tools
	@{ echo "# Locked with hashes from pyproject.toml: make lock"; $(PYTHON) -m piptools compile --quiet --generate-hashes --extra dev --strip-extras --no-emit-index-url --no-emit-find-links --no-header --output-file - pyproject.toml; } > requirements.new && mv requirements.new requirements.txt
