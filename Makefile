# `make` prints the targets. CI calls these targets and nothing else.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PORT ?= 8000
STAGE ?= dev
BIN := .venv/bin
# For what the tools start themselves: old makes look their own commands up elsewhere.
export PATH := $(CURDIR)/$(BIN):$(PATH)
INSTALL := scripts/install.sh
SETUP := $(INSTALL) .python-version requirements/bootstrap.txt

.PHONY: help serve test check format train freeze report remote model image image-run image-test bench fuzz lock clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: .venv/serve.ok ## Train the model if it is missing or stale, then serve it on http://127.0.0.1:8000 (PORT=)
	@$(BIN)/python -m serving.app.serve --check --port '$(PORT)'
	@$(BIN)/python -m training.ensure_model
	@mkdir -p .local
	@echo "metrics (EMF) go to .local/serve.jsonl"
	@$(BIN)/python -m serving.app.serve --port '$(PORT)' >> .local/serve.jsonl

test: .venv/dev.ok ## Run every test that this machine can run
	@$(BIN)/pytest -n auto --dist worksteal --cov --cov-report=term

check: .venv/dev.ok ## Lint, types, import contracts, locks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	scripts/lock.sh --check

format: .venv/dev.ok ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

train: .venv/serve.ok ## Run the stages that changed, up to the bundle (dvc repro)
	@$(BIN)/dvc repro bundle

freeze: .venv/serve.ok ## Compile the trained model to the file that serves it, and prove it (part of make train)
	@$(BIN)/dvc repro --single-item --force freeze
	@$(BIN)/dvc repro bundle

report: .venv/serve.ok ## Write reports/report.html: the model in pictures
	@status=0; $(BIN)/dvc repro --keep-going || status=$$?; \
	$(BIN)/python -m training.report && exit $$status

# As it was typed, and through the environment: neither make nor a shell looks into it.
ifneq ($(origin URL),command line) # an environment's may be anything
override URL :=
endif
override URL := $(value URL)
export URL
remote: .venv/serve.ok ## Share models: make URL the DVC remote, verified (URL=s3://bucket/path)
	@scripts/remote.sh

model: .venv/deploy.ok ## Fetch the model of this commit from the remote without DVC, on a machine that only builds
	@$(BIN)/python -m serving.deployment.fetch_model

image: .venv/serve.ok .venv/deploy.ok ## Build the container image of this model, unless it is there (BASE_IMAGE=)
	@$(BIN)/python -m training.ensure_model >&2
	@base=$$(serving/tests/image/base/build.sh) && $(BIN)/python -m serving.deployment.image --base "$$base"

image-run: .venv/serve.ok ## Run the image on http://127.0.0.1:8000, shut in as on Lambda (STAGE=dev, PORT=)
	@$(BIN)/python -m serving.app.serve --check --port '$(PORT)'
	@image=$$($(MAKE) image) && $(BIN)/python -m serving.tests.image --image "$$image" --stage '$(STAGE)' --port '$(PORT)'

image-test: .venv/dev.ok ## Test the container image (part of make test where Docker's engine runs)
	@REQUIRE_DOCKER=1 $(BIN)/pytest serving/tests/image

bench: .venv/dev.ok ## Measure cold start, speed, memory against the naive handler (QUICK=1; results in .local/bench)
	@$(BIN)/python -m training.ensure_model
	@$(BIN)/python -m bench $(if $(QUICK),--quick)

fuzz: .venv/dev.ok ## Attack the service and its model for ten minutes, and say what came through (MUTANTS=, SEED=)
	@$(BIN)/python -m training.ensure_model
	@$(BIN)/python -m serving.tests.fuzz $(if $(MUTANTS),--mutants '$(MUTANTS)') $(if $(SEED),--seed '$(SEED)')

lock: .venv/dev.ok ## Write the locks again from pyproject.toml (UPGRADE=1 takes newer versions)
	scripts/lock.sh

clean: ## Remove .venv, caches, models and data: all that git does not track
	rm -rf .venv .coverage .coverage.* .*_cache .hypothesis .local data .dvc/cache .dvc/tmp
	rm -rf reports/*.html reports/plots dvc_plots serving/app/data/model.joblib serving/app/data/model.frozen
	rm -f reports/candidates.json reports/data.json reports/evaluation.json reports/freeze.json reports/validation.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/serve.ok: $(SETUP) requirements/serve.txt requirements/train.txt
	@$(INSTALL) serve train
	@touch $@

.venv/deploy.ok: $(SETUP) requirements/deploy.txt
	@$(INSTALL) deploy
	@touch $@

.venv/dev.ok: $(SETUP) requirements/dev.txt
	@$(INSTALL) dev
	@touch $@ .venv/serve.ok .venv/deploy.ok
