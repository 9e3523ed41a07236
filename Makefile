# The recipes of this project; `make help` lists them. CI and the git hooks call nothing else.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

.PHONY: help setup dev deploy-tools hooks openapi web run screenshots test test-unit lint types check format lock lock-check build release bench clean

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
	@$(BIN)/python hatch_build.py install
	@touch $@

deploy-tools: .venv-deploy/.installed ## Prepare .venv-deploy: what checks the files in deploy/ (700 MB)

.venv-deploy/.installed: requirements-deploy.txt .venv/.dev
	@echo "==> Installing the tools that check deploy/ into .venv-deploy (once; half a minute)"
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-deploy
	@$(BIN)/uv pip sync --quiet --require-hashes --python .venv-deploy/bin/python requirements-deploy.txt
	@touch $@

hooks: dev ## Run `make lint` before each commit, and check and test-unit before each push
	@$(BIN)/pre-commit install

openapi: setup ## Rewrite web/openapi.json, from which the page's client is generated
	@$(BIN)/python -c 'import json; from imageferry.gateway.app import create_app, Settings; \
		print(json.dumps(create_app(Settings.load()).openapi(), indent=1, sort_keys=True))' > web/openapi.json

web: setup ## Build the page, when web/ has changed
	@$(BIN)/python hatch_build.py

run: setup ## Import a folder of sample images, offline, and show it in the browser
	@$(MAKE) --no-print-directory web || echo "==> The page could not be built: only the HTTP API is served"
	@echo "==> Starting the demo: a test Drive server, an import, and the gallery (Ctrl-C stops it)"
	@$(BIN)/imageferry demo

screenshots: dev web ## Write screenshots of the page to docs/screenshots; needs Chromium
	@$(BIN)/python -m tests.e2e.screenshots

test: dev web ## Run all tests
	@echo "==> Running the page's tests"
	@$(BIN)/python hatch_build.py run test
	@echo "==> Running the tests"
	@$(BIN)/pytest -n 3 --dist worksteal

test-unit: dev ## Run the unit tests: no server, no browser, no built page
	@$(BIN)/pytest tests/unit

lint: dev ## Formatting, lint and import rules
	@echo "==> Formatting and lint"
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@echo "==> Import rules"
	@$(BIN)/lint-imports --no-logo
	@echo "==> The page: formatting and lint"
	@$(BIN)/python hatch_build.py run lint

types: dev ## Types of the Python code and of the page
	@echo "==> Types"
	@$(BIN)/mypy
	@echo "==> The page: types"
	@$(BIN)/python hatch_build.py run types

check: lint types ## All of lint and types; offline, under a minute

bench: dev ## Run every benchmark against rclone; needs nginx, and root or user namespaces
	@$(BIN)/python -m benchmarks suite

format: dev ## Format the code and apply lint's fixes
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format . ; $(BIN)/python hatch_build.py run format

lock: dev ## Rewrite the lock files with the newest versions that fit
	@$(COMPILE) --upgrade pyproject.toml --group build -o requirements.txt
	@$(COMPILE) --upgrade pyproject.toml --group build --group dev -c requirements.txt -o requirements-dev.txt
	@$(COMPILE) --upgrade --group deploy -o requirements-deploy.txt

# Compiling over a copy keeps every pin that still fits: a difference means that pyproject.toml has changed.
lock-check: dev ## Check that the lock files match pyproject.toml; asks the package index
	@cp requirements.txt .venv/lock.txt && cp requirements-dev.txt .venv/lock-dev.txt && cp requirements-deploy.txt .venv/lock-deploy.txt
	@$(COMPILE) pyproject.toml --group build -o .venv/lock.txt > /dev/null
	@$(COMPILE) pyproject.toml --group build --group dev -c requirements.txt -o .venv/lock-dev.txt > /dev/null
	@$(COMPILE) --group deploy -o .venv/lock-deploy.txt > /dev/null
	@diff -q requirements.txt .venv/lock.txt > /dev/null && diff -q requirements-dev.txt .venv/lock-dev.txt > /dev/null \
		&& diff -q requirements-deploy.txt .venv/lock-deploy.txt > /dev/null \
		|| (echo "The lock files are older than pyproject.toml: run 'make lock'." && exit 1)

build: dev ## Build the wheel and the source distribution into dist/
	@rm -rf dist && $(BIN)/uv build --quiet --sdist --wheel --no-build-isolation --python $(BIN)/python
	@ls dist/*

# The changelog's section "VERSION (unreleased)" gets the date; the tag is made last, when everything was built.
release: dev deploy-tools ## Release: make release VERSION=1.2.3 sets version and changelog date, builds, commits and tags
	@echo "$(VERSION)" | grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+$$' || (echo "Usage: make release VERSION=1.2.3" && exit 1)
	@test -z "$$(git status --porcelain)" || (echo "Commit or stash your changes first." && exit 1)
	@test -z "$$(git tag --list v$(VERSION))" || (echo "The tag v$(VERSION) exists already." && exit 1)
	@grep -q '^## $(VERSION) (unreleased)$$' CHANGELOG.md || \
		(echo "CHANGELOG.md has no section '## $(VERSION) (unreleased)'." && exit 1)
	@sed -i 's/^## $(VERSION) (unreleased)$$/## $(VERSION) ('"$$(date +%F)"')/' CHANGELOG.md
	@sed -i 's/^version = ".*"$$/version = "$(VERSION)"/' pyproject.toml
	@sed -i 's/^__version__ = ".*"$$/__version__ = "$(VERSION)"/' src/imageferry/version.py
	@sed -i 's/^\(version\|appVersion\): .*/\1: $(VERSION)/' deploy/helm/imageferry/Chart.yaml
	@sed -i 's/newTag: .*/newTag: $(VERSION)/' deploy/kustomize/*/kustomization.yaml
	@$(BIN)/python -m tests.integration.deploy.kustomize
	@$(MAKE) --no-print-directory build
	@git commit --quiet --all --message "release: $(VERSION)" --allow-empty && git tag --annotate v$(VERSION) --message "imageferry $(VERSION)"
	@echo "==> Built and tagged v$(VERSION). Publish with: git push --follow-tags && uv publish dist/*"

clean: ## Remove what the recipes made
	@rm -rf .venv .venv-deploy dist web/node_modules web/src/api/generated src/imageferry/gateway/static tests/servers/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
