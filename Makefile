# `make` prints the targets. CI calls these targets and nothing else.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PORT ?= 8000
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
INSTALL := scripts/install.sh
SETUP := $(INSTALL) .python-version requirements/bootstrap.txt

.PHONY: help serve test check format train report lock clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: .venv/serve.ok ## Train the model if it is missing or stale, then serve it on http://127.0.0.1:8000 (PORT=)
	@python -m training.ensure_model
	@mkdir -p .local
	@echo "metrics (EMF) and logs go to .local/serve.jsonl"
	@python -m serving.app.serve --port $(PORT) >> .local/serve.jsonl

test: .venv/dev.ok ## Run every test that this machine can run
	@pytest -n auto --dist worksteal --cov --cov-report=term

check: .venv/dev.ok ## Lint, types, import contracts, locks
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	scripts/lock.sh --check

format: .venv/dev.ok ## Format the code and mend what the linter can
	ruff check --fix-only .
	ruff format .

train: .venv/serve.ok ## Run the stages that changed, up to the bundle (dvc repro)
	@dvc repro bundle

report: .venv/serve.ok ## Write reports/report.html: the model in pictures
	@dvc repro || status=$$?; python -m training.report && exit $${status:-0}

lock: .venv/dev.ok ## Write the locks again from pyproject.toml (UPGRADE=1 takes newer versions)
	scripts/lock.sh

clean: ## Remove .venv, caches and everything that the pipeline wrote
	rm -rf .venv .coverage .*_cache .hypothesis .local reports data
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/serve.ok: $(SETUP) requirements/serve.txt requirements/train.txt
	@$(INSTALL) serve train
	@touch $@

.venv/dev.ok: $(SETUP) requirements/dev.txt
	@$(INSTALL) dev
	@touch $@ .venv/serve.ok
