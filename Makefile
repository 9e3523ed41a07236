# The recipes of this project; `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml

.PHONY: help setup dev openapi web run screenshots test check format lock lock-check build bench clean

help: ## List the recipes
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.run ## Prepare .venv/bin/imageferry alone

.venv/.run: requirements.txt pyproject.toml
	@echo "==> Installing imageferry into .venv (once; about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --quiet --require-hashes -r requirements.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

dev: .venv/.dev ## Prepare .venv for development too

.venv/.dev: requirements-dev.txt tests/servers/package-lock.json .venv/.run
	@echo "==> Installing the development tools into .venv (once; about two minutes)"
	@$(PIP) install --quiet --require-hashes -r requirements-dev.txt
	@if command -v npm > /dev/null; then echo "==> Installing the servers that the tests start" && \
		npm ci --silent --prefix tests/servers; fi
	@touch $@

openapi: setup ## Write web/openapi.json anew, which the page's client is made from
	@$(BIN)/python -c 'import json; from imageferry.gateway.app import create_app, Settings; \
		print(json.dumps(create_app(Settings.load()).openapi(), indent=1, sort_keys=True))' > web/openapi.json

web: setup ## Build the page, when web/ has changed
	@$(BIN)/python hatch_build.py

run: setup ## Import a folder of sample pictures, offline, and show it in the browser
	@$(MAKE) --no-print-directory web || echo "==> The page could not be built: there is the HTTP interface alone"
	@echo "==> Starting the demo: a Drive stand-in, an import, and a page that shows it (Ctrl-C ends it)"
	@$(BIN)/imageferry demo

screenshots: dev web ## Take pictures of the page's views, into docs/screenshots; needs Chromium
	@$(BIN)/python -m tests.e2e.screenshots

test: dev web ## Run all tests
	@echo "==> Running the page's tests"
	@$(BIN)/python hatch_build.py run test
	@echo "==> Running the tests"
	@$(BIN)/pytest -n 3 --dist worksteal

check: dev web ## Formatting, lint, types, import rules, lock files
	@echo "==> Formatting and lint"
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@echo "==> Types"
	@$(BIN)/mypy
	@echo "==> Import rules"
	@$(BIN)/lint-imports --no-logo
	@echo "==> The page: lint and types"
	@$(BIN)/python hatch_build.py run lint && $(BIN)/python hatch_build.py run types
	@echo "==> Lock files"
	@$(MAKE) --no-print-directory lock-check

bench: dev ## Race against rclone, every course; needs nginx, and root or user namespaces
	@$(BIN)/python -m benchmarks suite

format: dev ## Format the code and mend what lint can mend
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format . ; $(BIN)/python hatch_build.py run format

lock: dev ## Write the lock files anew, with the newest versions that fit
	@$(COMPILE) --upgrade --group build -o requirements.txt
	@$(COMPILE) --upgrade --group build --group dev -c requirements.txt -o requirements-dev.txt

# Compiling over a copy keeps every pin that still fits: a difference means that pyproject.toml has moved on.
lock-check:
	@cp requirements.txt .venv/lock.txt && cp requirements-dev.txt .venv/lock-dev.txt
	@$(COMPILE) --group build -o .venv/lock.txt > /dev/null
	@$(COMPILE) --group build --group dev -c requirements.txt -o .venv/lock-dev.txt > /dev/null
	@diff -q requirements.txt .venv/lock.txt > /dev/null && diff -q requirements-dev.txt .venv/lock-dev.txt > /dev/null \
		|| (echo "The lock files are older than pyproject.toml: run 'make lock'." && exit 1)

build: dev ## Build the wheel into dist/
	@$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python
	@ls dist/*.whl

clean: ## Remove what the recipes made
	@rm -rf .venv dist web/node_modules web/src/api/generated src/imageferry/gateway/static tests/servers/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
