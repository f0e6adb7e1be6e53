# `make` prints the targets. CI calls these targets and nothing else.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# A load test is aimed at a stage only where that was typed.
LOAD_STAGE := $(if $(findstring command,$(origin STAGE)),$(value STAGE))
PORT ?= 8000
STAGE ?= dev
# As they were typed, and through the environment: neither make nor a shell looks into them. What a
# shell has under a name so short is somebody else's, but for these three.
typed = $(if $(or $(findstring command,$(origin $1)),$(filter PORT STAGE BASE_IMAGE,$1)),$(value $1))
TYPED := PORT STAGE BASE_IMAGE BASE DASK DATA DO EXAMPLES FILE GITHUB HOST IMAGE IN KEEP MODEL MODELS MUTANTS NAME NULLS OUT PREFIX RATE ROUTES RUN SECONDS SEED SINCE TARGET TASK TEXT TO URL VERSION
$(foreach name,$(TYPED),$(eval override $(name) := $$(call typed,$(name))))
export $(TYPED)
# The model that a target is about. One that is not here is found before anything is started.
HERE := $(patsubst training/models/%/model.py,%,$(sort $(wildcard training/models/*/model.py)))
DEFAULT_MODEL := $(or $(filter topics,$(HERE)),$(firstword $(HERE)))
override MODEL := $(or $(MODEL),$(DEFAULT_MODEL))
$(if $(filter $(subst %,,$(MODEL)),$(HERE)),,$(if $(MODEL),$(error there is no model $(MODEL): MODEL= one of $(HERE) (training/models))))
$(foreach one,$(filter-out $(HERE),$(MODELS)),$(error there is no model $(one): MODELS= some of $(HERE) (training/models)))
# YES=0 is no.
FLAGS := ALL BULK COLD ERRORS FLIPS FOLLOW FRESH LOCAL MEMORY PEERS QUICK RAW SCORES SERVE SLOW STAGES STOPS WEB YES
$(foreach name,$(FLAGS),$(eval override $(name) := $$(filter-out 0 no false,$$(call typed,$(name)))))
AWS_BASE := public.ecr.aws/lambda/python:3.13
# The quick tests: what `make test` runs.
QUICK_TESTS := -m 'not slow and not docker and not node and not trained'
SLOW_TESTS := -m 'slow or docker or node or trained'
# In recipes, exec: a signal reaches what make has started, and not what a shell has.
BIN := .venv/bin
# Linux alone has a kernel.
KERNEL := $(if $(filter Linux,$(shell uname -s)),serving/app/_kernel.abi3.so)
BUNDLE := serving/app/data/$(MODEL)
DVC := $(BIN)/python -m training.run_dvc
# For what the tools start themselves: old makes look their own commands up elsewhere.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# What a shell exports for other work has no say in what Python imports, which repository git
# means and where cd goes. Text is UTF-8, and an image is what Lambda runs.
unexport PYTHONHOME PYTHONINSPECT PYTHONOPTIMIZE PYTHONPATH PYTHONSAFEPATH PYTHONWARNINGS
unexport CDPATH GIT_DIR GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_WORK_TREE
export PYTHONUTF8 := 1
export DOCKER_DEFAULT_PLATFORM := linux/amd64
# No proxy can reach what listens on this machine. Tools read one of the two spellings.
comma := ,
no_proxy := $(or $(no_proxy),$(NO_PROXY))
no_proxy := $(if $(filter *,$(no_proxy)),*,127.0.0.1,localhost$(addprefix $(comma),$(no_proxy)))
NO_PROXY := $(no_proxy)
export no_proxy NO_PROXY
INSTALL := scripts/install.sh
SETUP := $(INSTALL) .python-version requirements/bootstrap.txt

.PHONY: help new remove adopt serve web score test test-all check format models train freeze judge report remote pull push each matrix plan plan-deploy take propose model kernel image image-run image-test cloud-local cloud-local-down bootstrap synth diff live deploy release smoke logs bulk redrive key rollback prune destroy bench budget load fuzz equality picture docs lock clean

# LOCAL=1: on the local AWS that 'make cloud-local' has started. Commands that messages name have it,
# too (serving/deployment/stack.py).
unexport QUICKTHAW_LOCAL
ifneq ($(LOCAL),)
ifeq ($(wildcard .local/cloud/env),)
$(error no local AWS runs: 'make cloud-local' starts it)
endif
include .local/cloud/env
export QUICKTHAW_LOCAL := 1
export AWS_ENDPOINT_URL AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
unexport AWS_PROFILE AWS_SESSION_TOKEN AWS_IGNORE_CONFIGURED_ENDPOINT_URLS $(filter AWS_ENDPOINT_URL_%,$(.VARIABLES))
endif

##@ Every day

help: ## Print this list
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
	    /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: .venv/serve.ok ## Train the model if it is missing or stale, then serve it on http://127.0.0.1:8000 (MODEL=topics, PORT=)
	@$(BIN)/python -m serving.hosts.serve --check --port "$$PORT"
	@$(BIN)/python -m training.ensure_model $(MODEL)
	@mkdir -p .local
	@echo "metrics (EMF) go to .local/serve.jsonl"
	@QUICKTHAW_BUNDLE=$(BUNDLE) exec $(BIN)/python -m serving.hosts.serve --port "$$PORT" >> .local/serve.jsonl

web: .venv/serve.ok ## Serve the model as a web process: workers, no API Gateway's limits (MODEL=topics, PORT=, WEB_CONCURRENCY=)
	@$(BIN)/python -m training.ensure_model $(MODEL) >&2
	@QUICKTHAW_BUNDLE=$(BUNDLE) exec $(BIN)/python -m serving.hosts.web --host 127.0.0.1 --port "$$PORT"

score: .venv/serve.ok $(if $(DASK),.venv/dask.ok) ## Predict from each row of a file, and go on where that was cut off (IN=, OUT=: CSV, JSON lines, Parquet; IN= a folder of pictures, TEXT=, IMAGE=, NULLS=, KEEP=, PREFIX=, FRESH=1, DASK=)
	@$(BIN)/python -m training.ensure_model $(MODEL)
	@exec $(BIN)/python -m scoring --bundle $(BUNDLE) --in="$$IN" --out="$$OUT" --text="$$TEXT" --image="$$IMAGE" --nulls="$$NULLS" \
	    --keep="$$KEEP" --prefix="$$PREFIX" --dask="$$DASK" $(if $(FRESH),--fresh)

new: .venv/serve.ok ## Make a model's folder of a table: CSV, JSON lines, Parquet (NAME=churn DATA=churn.csv TARGET=column, TEXT=column, TASK=regression)
	@exec $(BIN)/python -m training.new --name "$$NAME" --data "$$DATA" --target "$$TARGET" $(if $(TEXT),--text "$$TEXT") $(if $(TASK),--task "$$TASK")

remove: .venv/serve.ok ## Remove a model from this tree: its folder, its files, its steps (NAME=, YES=1; what is deployed: first make destroy)
	@exec $(BIN)/python -m training.new.remove --name "$$NAME" $(if $(YES),--yes)

adopt: .venv/serve.ok ## Make a model's folder of a fitted model: asks, for to unpickle it runs its code (NAME=, FILE=model.joblib, EXAMPLES=table, TARGET=column, TEXT=column, YES=1)
	@exec $(BIN)/python -m training.adopting --name "$$NAME" --file "$$FILE" --examples "$$EXAMPLES" $(if $(TARGET),--target "$$TARGET") $(if $(TEXT),--text "$$TEXT") $(if $(YES),--yes)

test: .venv/dev.ok $(KERNEL) ## Run the tests: minutes, without Docker, Node.js or a trained model (SLOW=1 all the others, ALL=1 is make test-all)
	@$(BIN)/pytest -n auto --dist worksteal $(if $(ALL),--cov --cov-report=term,$(if $(SLOW),$(SLOW_TESTS),$(QUICK_TESTS)))

test-all: ## Run every test that this machine can run, the slow ones too, and measure coverage
	@$(MAKE) test ALL=1

check: .venv/dev.ok ## Lint, types, import contracts, locks, whether the model is of this code, instructions against their budget
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	scripts/lock.sh --check
	@$(BIN)/python -m training.changed
	@$(BIN)/python -m bench.budget

format: .venv/dev.ok ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: .venv/docs.ok ## Make a site of README.md and docs/, .local/site/index.html; a dead link is an error (SERVE=1: then on http://127.0.0.1:8000, PORT=)
	@rm -rf .local/site
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --conf-dir tools/site --doctree-dir .local/doctrees . .local/site
	@echo "wrote .local/site: open index.html in a browser"
	@$(if $(SERVE),exec $(BIN)/python -m http.server --bind 127.0.0.1 --directory .local/site "$$PORT")

lock: .venv/dev.ok ## Write the locks again from pyproject.toml (UPGRADE=1 takes newer versions)
	scripts/lock.sh

clean: ## Remove .venv, caches, models and data: all that git does not track
	rm -rf .venv .coverage .coverage.* .*_cache .hypothesis .local data .dvc/cache .dvc/tmp
	rm -rf reports/*/*.html reports/*/plots dvc_plots serving/app/data/*/model.joblib serving/app/data/*/model.frozen
	rm -f reports/*/candidates.json reports/*/data.json reports/*/evaluation.json reports/*/freeze.json reports/*/validation.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ The model

models: .venv/serve.ok $(if $(STAGES),.venv/deploy.ok) ## List the models that are here: version, kind, engine, scores, size (STAGES=1 asks AWS which stages run which)
	@$(BIN)/python -m training.overview
	@$(if $(STAGES),exec $(BIN)/python -m serving.deployment.commands.running)

train: .venv/serve.ok $(if $(DASK),.venv/dask.ok) ## Run the steps that changed, up to the bundle (FRESH=1 fetches the data again, DASK=tcp://host:8786 searches there)
	@$(if $(FRESH),$(DVC) repro --single-item --force fetch@$(MODEL))
	@$(if $(DASK),exec env DASK_SCHEDULER_ADDRESS="$$DASK") $(DVC) repro bundle@$(MODEL)

freeze: .venv/serve.ok ## Compile the trained model to the file that serves it, and prove it (part of make train)
	@$(DVC) repro --single-item --force freeze@$(MODEL)
	@$(DVC) repro bundle@$(MODEL)

judge: .venv/serve.ok ## Hold this model against another commit's, and against the gates (BASE=main, FLIPS=1 lets labels change, SCORES=1 compares recorded scores alone)
	@exec $(BIN)/python -m training.judging $(MODEL) $(if $(BASE),--base="$$BASE") $(if $(FLIPS),--allow-flips) $(if $(SCORES),--scores-only)

report: .venv/serve.ok ## Write reports/MODEL/report.html: the model in pictures
	@status=0; $(DVC) repro --keep-going bundle@$(MODEL) learning_curve@$(MODEL) || status=$$?; \
	$(BIN)/python -m training.reports.report $(MODEL) && exit $$status

remote: .venv/serve.ok ## Share models: make URL the DVC remote, verified (URL=s3://bucket/path)
	@scripts/remote.sh

pull: .venv/serve.ok ## Get what the DVC remote has of this commit's model (dvc pull)
	@$(BIN)/python -m training.remote pull $(MODEL)

push: .venv/serve.ok ## Hand this tree's model to the DVC remote (dvc push)
	@$(BIN)/python -m training.remote push $(MODEL)

each: ## Run a target for several models; where one fails, the others go on (DO=train, MODELS="topics houses": else all)
	@exec $(MAKE) --keep-going $(addprefix each@,$(or $(MODELS),$(HERE)))

each@%:
	@echo "== make $$DO MODEL=$*"
	@exec $(MAKE) --no-keep-going "$$DO" MODEL=$*

##@ The service

# What Docker takes an image for, pulled or run, where nothing else is said.
PLATFORM = platform=$$($(BIN)/python -m serving.deployment.image.architecture --model $(MODEL) --stage "$$STAGE") && export DOCKER_DEFAULT_PLATFORM="$$platform"

bench: .venv/dev.ok $(if $(COLD),,$(KERNEL)) $(if $(PEERS),.local/peers/ok) $(if $(WEB),.local/servers/ok) ## Measure cold start, speed, memory against the naive handler (QUICK=1, COLD=1 the cold start alone, PEERS=1 of records other compilers, too, WEB=1 the web process beside other servers, STOPS=1 what it loses where it is stopped or killed; results in .local/bench)
	@$(BIN)/python -m training.ensure_model $(MODEL)
	@$(BIN)/python -m $(if $(COLD),bench.cold,$(if $(STOPS),bench.stops $(if $(QUICK),--times 1),$(if $(WEB),bench.web,bench) $(if $(QUICK),$(if $(WEB),--rounds 1 --seconds 1,--quick)) $(if $(PEERS),--peers))) $(MODEL)

budget: .venv/dev.ok $(KERNEL) ## Count the instructions of cold and warm starts of the models that are here, and write them as what 'make check' holds (needs valgrind)
	@$(BIN)/python -m bench.budget --write

load: .venv/load.ok $(if $(LOAD_STAGE),.venv/deploy.ok) ## Load a service at rising rates: latencies, errors, a picture (PORT=, or STAGE=dev or URL=, which asks; RATE=25,50,100 SECONDS=10 ROUTES=predict:9,batch:1 YES=1; MEMORY=1: is memory flat?)
	@exec $(BIN)/python -m bench.load $(MODEL) --port "$$PORT" $(if $(LOAD_STAGE),--stage "$$STAGE") $(if $(URL),--url "$$URL") \
	    $(if $(RATE),--rate "$$RATE") $(if $(SECONDS),--seconds "$$SECONDS") $(if $(ROUTES),--routes "$$ROUTES") $(if $(MEMORY),--memory) $(if $(YES),--yes)

fuzz: .venv/dev.ok ## Attack the service and its model for ten minutes, and say what came through (MUTANTS=, SEED=)
	@$(BIN)/python -m training.ensure_model $(MODEL)
	@export QUICKTHAW_BUNDLE=$(BUNDLE) MODEL_PATH=$(BUNDLE)/model.joblib; exec $(BIN)/python -m tools.fuzz $(if $(MUTANTS),--mutants "$$MUTANTS") $(if $(SEED),--seed "$$SEED")

equality: .venv/dev.ok ## Measure how far frozen answers are from scikit-learn's, class by class, in some minutes; writes docs/frozen.md (QUICK=1: fewer inputs, into .local/equality)
	@exec $(BIN)/python -m tools.equality $(if $(QUICK),--quick)

picture: .venv/dev.ok ## Make a picture of this model's page, docs/images/page-MODEL.png (needs Chromium)
	@exec $(BIN)/python -m tools.picture $(MODEL)

image: .venv/serve.ok .venv/deploy.ok ## Build the container image of this model, for a stage's processors, unless it is there (STAGE=dev, BASE_IMAGE=, HOST=web or bulk: of the web process, of bulk)
	@$(BIN)/python -m training.ensure_model $(MODEL) >&2
	@$(PLATFORM) && base=$$(tools/image/base/build.sh) && exec $(BIN)/python -m serving.deployment.image.builder --model $(MODEL) --stage "$$STAGE" --base "$$base" $(if $(HOST),--host "$$HOST")

image-run: .venv/serve.ok ## Run the image on http://127.0.0.1:8000, shut in as on Lambda (STAGE=dev, PORT=, HOST=web: as on a platform)
	@$(if $(filter bulk,$(HOST)),echo "error: the image of bulk answers no requests: docs/guides/bulk.md says how it runs" >&2; exit 1)
	@$(BIN)/python -m serving.hosts.serve --check --port "$$PORT"
	@$(PLATFORM) && image=$$($(MAKE) image) && QUICKTHAW_BUNDLE=$(BUNDLE) exec $(BIN)/python -m $(if $(filter web,$(HOST)),tools.image.web --image "$$image",tools.image --image "$$image" --stage "$$STAGE") --port "$$PORT"

kernel: .venv/deploy.ok ## Compile the kernel for this machine: the arithmetic of frozen models and of pictures in C, that make serve uses then
	@$(BIN)/python -m serving.kernel.build

image-test: .venv/dev.ok ## Test the container image (part of make test-all where Docker's engine runs)
	@REQUIRE_DOCKER=1 $(BIN)/pytest serving/tests/image

##@ The cloud

CDK := scripts/cdk.sh
ASK := $(if $(YES),--require-approval never)
FIND_BASE := $(if $(LOCAL),tools/image/base/build.sh,echo "$${BASE_IMAGE:-$(AWS_BASE)}")
# As which CloudFormation works, whoever calls it.
ROLE := role=$$($(BIN)/python -m serving.deployment.commands.executor --stage "$$STAGE")
APP := --app "python -m serving.deployment.stacks.app" -c stage="$$STAGE" -c model=$(MODEL) -c base="$$base" $(if $(LOCAL),-c local=true)

cloud-local: .venv/dev.ok .venv/cdk.ok ## Deploy a model to a local AWS, beside those that are there, and say how to call it (MODEL=, needs Docker)
	@$(BIN)/python -m training.ensure_model $(MODEL) >&2
	@$(BIN)/python -m tools.cloud up $(MODEL)

cloud-local-down: .venv/dev.ok ## End the local AWS, and all that runs there
	@$(BIN)/python -m tools.cloud down

bootstrap: .venv/deploy.ok .venv/cdk.ok ## Make what an account needs once: bucket, repository, roles (GITHUB=owner/name, PROVIDER=false, GATEWAY=false)
	@$(BIN)/python -m serving.deployment.commands.executor >/dev/null # whether there are credentials
	@CDK_FOLDER=account $(CDK) deploy --all --app "python -m infrastructure.app" \
	    $(if $(GITHUB),-c github="$$GITHUB") $(if $(filter false,$(PROVIDER)),-c provider=false) $(if $(filter false,$(GATEWAY)),-c gateway=false) $(ASK)

synth: .venv/deploy.ok .venv/cdk.ok ## Write the stack's template to .local/cdk (MODEL=, STAGE=dev)
	@$(BIN)/python -m serving.deployment.commands.fetch_model --model $(MODEL)
	@base=$$($(FIND_BASE)) && CDK_FOLDER="$(MODEL)-$$STAGE" $(CDK) synth --quiet $(APP) && ls ".local/cdk/$(MODEL)-$$STAGE"/*.template.json

diff: .venv/deploy.ok .venv/cdk.ok ## Show what a deployment would change (MODEL=, STAGE=dev)
	@$(BIN)/python -m serving.deployment.commands.fetch_model --model $(MODEL)
	@base=$$($(FIND_BASE)) && $(ROLE) && CDK_FOLDER="$(MODEL)-$$STAGE" $(CDK) diff --role-arn "$$role" $(APP)

deploy: .venv/deploy.ok .venv/cdk.ok ## Deploy this commit's image and stack of a model; asks before it widens rights (MODEL=, STAGE=dev, YES=1)
	@$(BIN)/python -m serving.deployment.commands.fetch_model --model $(MODEL)
	@base=$$($(FIND_BASE)) && $(ROLE) && \
	    $(BIN)/python -m serving.deployment.commands.push --model $(MODEL) --stage "$$STAGE" --base "$$base" $(if $(LOCAL),--local) >&2 && \
	    CDK_FOLDER="$(MODEL)-$$STAGE" $(CDK) deploy --all --role-arn "$$role" $(APP) $(ASK)
	@echo "try it: make smoke MODEL=$(MODEL) STAGE=$$STAGE$(if $(LOCAL), LOCAL=1)"

live: .venv/deploy.ok ## Say whether a model's stages run what this commit makes (MODEL=, STAGE=dev, STAGE="staging prod")
	@$(BIN)/python -m serving.deployment.commands.fetch_model --model $(MODEL)
	@set -f; base=$$($(FIND_BASE)) && exec $(BIN)/python -m serving.deployment.commands.live --model $(MODEL) --stage $$STAGE --base "$$base" $(if $(LOCAL),--local)

release: .venv/deploy.ok .venv/cdk.ok ## Deploy, smoke, and go back to the version before where that fails (MODEL=, STAGE=dev, YES=1)
	@scripts/release.sh $(MAKE)

smoke: .venv/deploy.ok ## Post the manifest's golden examples to the deployed model, and compare (MODEL=, STAGE=dev)
	@exec $(BIN)/python -m serving.deployment.commands.smoke --model $(MODEL) --stage "$$STAGE"

logs: .venv/deploy.ok ## Read the logs of a model at a stage (MODEL=, STAGE=dev, SINCE=10m, FOLLOW=1, ERRORS=1, COLD=1, VERSION=, BULK=1 of its bulk, RAW=1, FILE=)
	@exec $(BIN)/python -m serving.deployment.commands.logs --model $(MODEL) --stage "$$STAGE" $(if $(SINCE),--since "$$SINCE") $(if $(FOLLOW),--follow) \
	    $(if $(ERRORS),--errors) $(if $(COLD),--cold) $(if $(VERSION),--version "$$VERSION") $(if $(BULK),--bulk) $(if $(RAW),--raw) $(if $(FILE),-- "$$FILE")

bulk: .venv/deploy.ok ## Have files answered in the cloud by a stage that has bulk, and follow that; else say what waits (MODEL=, STAGE=dev, IN=file, folder or s3://bucket/prefix, OUT=folder, RUN=, YES=1)
	@exec $(BIN)/python -m serving.deployment.commands.bulk --model $(MODEL) --stage "$$STAGE" --in="$$IN" --out="$$OUT" --run="$$RUN" $(if $(YES),--yes)

redrive: .venv/deploy.ok ## Have the dead messages of bulk tried once more; asks (MODEL=, STAGE=dev, YES=1)
	@exec $(BIN)/python -m serving.deployment.commands.redrive --model $(MODEL) --stage "$$STAGE" $(if $(YES),--yes)

key: .venv/deploy.ok ## Print the API key of a model at a stage (MODEL=, STAGE=dev)
	@exec $(BIN)/python -m serving.deployment.commands.key --model $(MODEL) --stage "$$STAGE"

rollback: .venv/deploy.ok ## Go back to the version before; asks (MODEL=, STAGE=dev, TO=version, YES=1)
	@exec $(BIN)/python -m serving.deployment.commands.rollback --model $(MODEL) --stage "$$STAGE" $(if $(TO),--to "$$TO") $(if $(YES),--yes)

prune: .venv/deploy.ok ## Delete old versions, and images that no version runs; asks (KEEP=5, YES=1)
	@exec $(BIN)/python -m serving.deployment.commands.prune $(if $(KEEP),--keep "$$KEEP") $(if $(YES),--yes)

destroy: .venv/deploy.ok .venv/cdk.ok ## Delete the stacks of a model at a stage, with logs and what waits for bulk; its buckets stay; asks (MODEL=, STAGE=dev, YES=1)
	@$(BIN)/python -m serving.deployment.commands.fetch_model --model $(MODEL)
	@base=$$($(FIND_BASE)) && $(ROLE) && CDK_FOLDER="$(MODEL)-$$STAGE" $(CDK) destroy --all --role-arn "$$role" $(APP) $(if $(YES),--force)

##@ GitHub's workflows

matrix: ## On GitHub: the models, as a matrix of jobs has them (MODELS=)
	@python3 -m training.proposal.matrix $(or $(MODELS),$(HERE))

plan: .venv/serve.ok ## On GitHub: which models a pull request changes, and what its run may do (MODELS=)
	@$(BIN)/python -m training.proposal.plan $(MODELS)

plan-deploy: .venv/deploy.ok ## On GitHub: which models have something to deploy (MODELS=, STAGE="staging prod")
	@set -f; base=$$($(FIND_BASE)) && exec $(BIN)/python -m serving.deployment.commands.plan --model $(or $(MODELS),$(HERE)) --stage $$STAGE --base "$$base" $(if $(LOCAL),--local)

take: ## On GitHub: put proposed models into their places, to be tested (MODELS=)
	@python3 -m training.proposal.files $(MODELS)

propose: ## On GitHub: commit new models to their pull request, and write the report there
	@python3 -m training.proposal

model: .venv/deploy.ok ## Fetch the model of this commit from the remote without DVC, on a machine that only builds
	@$(BIN)/python -m serving.deployment.commands.fetch_model --model $(MODEL)

$(KERNEL): .venv/deploy.ok requirements/kernel.txt $(wildcard serving/kernel/*.[ch]) serving/kernel/build.py
	@$(BIN)/python -m serving.kernel.build
	@touch -c $@

.venv/serve.ok: $(SETUP) requirements/serve.txt requirements/train.txt
	@$(INSTALL) serve train
	@touch $@

.venv/deploy.ok: $(SETUP) requirements/deploy.txt
	@$(INSTALL) deploy
	@touch $@

.venv/cdk.ok: .venv/deploy.ok scripts/install-cdk.sh infrastructure/cdk/package-lock.json
	@scripts/install-cdk.sh
	@touch $@

.venv/load.ok: $(SETUP) requirements/serve.txt requirements/load.txt
	@$(INSTALL) serve load
	@touch $@

.venv/docs.ok: $(SETUP) requirements/docs.txt
	@$(INSTALL) docs
	@touch $@

# Another environment: what each of these packages needs would change what ours are measured with.
.local/peers/ok .local/servers/ok: .local/%/ok: requirements/%.txt | .venv/dev.ok
	@rm -rf .local/$*
	@$(BIN)/uv venv --quiet --python $(BIN)/python .local/$*
	@echo "setup: installing the packages of: $*" >&2
	@$(BIN)/uv pip install --quiet --compile-bytecode --python .local/$*/bin/python --require-hashes --requirement requirements/$*.txt
	@touch $@

.venv/dask.ok: $(SETUP) requirements/dask.txt
	@$(INSTALL) dask
	@touch $@

.venv/dev.ok: $(SETUP) requirements/dev.txt
	@$(INSTALL) dev
	@touch $@ .venv/serve.ok .venv/deploy.ok .venv/dask.ok .venv/load.ok .venv/docs.ok
