# `make` prints what there is to do. Everything runs inside .venv, which `make setup` builds from the locks.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCKS := requirements-uv.lock requirements-dev.lock
export PYTHONUNBUFFERED := 1
# The state that `make up` keeps; jobs started by hand look at the same place.
STATE ?= data/var/up
# A kept demo is stopped and shown, too, unless a state is named.
OF_STATE = $(if $(filter-out data/var/up,$(STATE)),--state "$(STATE)")
JOB := $(BIN)/python -m local job --state $(STATE) --

.PHONY: help
help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) ## Create .venv from the hash-pinned lock (bytecode compiled)

$(READY): $(LOCKS)
	@echo "── environment: $(PYTHON) → $(VENV)"
	@"$(PYTHON)" -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 13) else "Python 3.11 or 3.12 is needed; found " + sys.version.split()[0] + ". Say which: make setup PYTHON=/path/to/python3.11")'
	@[ -x $(BIN)/python ] || "$(PYTHON)" -m venv $(VENV)
	@echo "── installer: uv, pinned by hash"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 && $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock || [ -x $(BIN)/uv ]
	@echo "── packages: requirements-dev.lock (about 3 GB on disk; a minute or two the first time)"
	@$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python requirements-dev.lock
	@touch $@
	@echo "── environment ready"

.PHONY: demo
demo: $(READY) ## The whole loop on this machine [DATA=folder] [LIMIT=n] [BASE=0.25] [KEEP=1]
	@$(BIN)/python -m local demo $(if $(DATA),--data "$(DATA)") $(if $(LIMIT),--limit $(LIMIT)) $(if $(BASE),--base $(BASE)) $(if $(KEEP),--keep)

.PHONY: up
up: $(READY) ## Start the system and keep it running [DATA=folder for the first start]
	@$(BIN)/python -m local up --state "$(STATE)" $(if $(DATA),--data "$(DATA)")

.PHONY: down
down: $(READY) ## Stop every process that `make up` started
	@$(BIN)/python -m local down $(OF_STATE)

.PHONY: status
status: $(READY) ## Show each process, its address and its health
	@$(BIN)/python -m local status $(OF_STATE)

.PHONY: check
check: $(READY) ## Use the running service from end to end as two canary accounts, and leave nothing behind
	@$(BIN)/python -m local job -- client check

.PHONY: import
import: $(READY) ## Import a catalogue in the challenge's layout as the base: DATA=folder
	@[ -n "$(DATA)" ] || { echo "make import needs DATA=folder (X_train_update.csv, Y_train_CVw08PX.csv, images/)"; exit 2; }
	@$(JOB) preprocessing.ingest import --data "$(DATA)" $(if $(BASE),--base $(BASE)) $(if $(LIMIT),--limit $(LIMIT))

.PHONY: train
train: $(READY) ## Train on the newest snapshot, evaluate, log to MLflow [MODEL=name|all]
	@$(JOB) training.jobs train --run-key "manual-$$(date -u +%Y%m%dT%H%M%SZ)" $(if $(MODEL),--model "$(MODEL)")

.PHONY: submission
submission: $(READY) ## Answer a catalogue's test products in the challenge's format: DATA=folder [OUT=file] [MODEL=name]
	@[ -n "$(DATA)" ] || { echo "make submission needs DATA=folder (X_test_update.csv, images/image_test/)"; exit 2; }
	@$(JOB) training.jobs submission --data "$(abspath $(DATA))" $(if $(OUT),--out "$(abspath $(OUT))") $(if $(MODEL),--model "$(MODEL)")

.PHONY: companion
companion: $(READY) ## Serve a trained model beside the champion, for those who ask by its name: MODEL=name
	@[ -n "$(MODEL)" ] || { echo "make companion needs MODEL=name, a model that was trained by make train MODEL=name"; exit 2; }
	@$(JOB) training.jobs companion --model "$(MODEL)"

.PHONY: replay
replay: $(READY) ## Train a promotion's model again and compare: PROMOTION=n [MODEL=name]
	@[ -n "$(PROMOTION)" ] || { echo "make replay needs PROMOTION=n, an epoch of the ledger"; exit 2; }
	@$(JOB) training.jobs replay --promotion "$(PROMOTION)" $(if $(MODEL),--model "$(MODEL)")

.PHONY: finetune
finetune: $(READY) ## Train an encoder itself on the store's products: HALF=text|image [LAYERS=n] [MAX_STEPS=n]
	@[ -n "$(HALF)" ] || { echo "make finetune needs HALF=text or HALF=image"; exit 2; }
	@$(JOB) training.jobs finetune --half "$(HALF)" $(if $(LAYERS),--layers $(LAYERS)) $(if $(MAX_STEPS),--max-steps $(MAX_STEPS))

.PHONY: tensorboard
tensorboard: $(READY) ## Show the curves of every training in the browser [TENSORBOARD_PORT=6006]
	@$(if $(TENSORBOARD_PORT),TENSORBOARD_PORT=$(TENSORBOARD_PORT)) $(BIN)/python -m local tensorboard --state "$(STATE)"

.PHONY: journal
journal: $(READY) ## Every training ever, with parameters and what came of it, as CSV [OUT=file]
	@$(JOB) training.jobs journal $(if $(OUT),--out "$(abspath $(OUT))")

.PHONY: rollback
rollback: $(READY) ## Serve the previous release again [REASON="why"]
	@$(JOB) training.jobs rollback --reason "$(or $(REASON),rolled back by hand)"

.PHONY: retract
retract: $(READY) ## Take labels back: REVIEWER=name SINCE=time UNTIL=time [REASON="why"] [DRY_RUN=1], or erase: CUSTOMER=name
	@[ -n "$(CUSTOMER)" ] || { [ -n "$(REVIEWER)" ] && [ -n "$(SINCE)" ] && [ -n "$(UNTIL)" ]; } || { echo "make retract needs REVIEWER=name SINCE=time UNTIL=time (ISO 8601, UTC), or CUSTOMER=name"; exit 2; }
	@$(JOB) core.retraction $(if $(CUSTOMER),--customer "$(CUSTOMER)",--reviewer "$(REVIEWER)" --since "$(SINCE)" --until "$(UNTIL)") $(if $(REASON),--reason "$(REASON)") $(if $(DRY_RUN),--dry-run)

.PHONY: fsck
fsck: $(READY) ## Check the training store against the database, row by row, file by file
	@$(JOB) preprocessing.ingest fsck --full

.PHONY: retain
retain: $(READY) ## Remove what nothing needs any more, or with DRY_RUN=1 say what would go (docs/retention.md)
	@$(JOB) training.jobs retain --airflow-logs "$(abspath $(STATE))/logs/airflow" $(if $(DRY_RUN),--dry-run)

.PHONY: backup
backup: $(READY) ## Back up labels, photos, training store and released models, beside the running system: TO=folder
	@[ -n "$(TO)" ] || { echo "make backup needs TO=folder; the same folder again takes only what is new"; exit 2; }
	@$(JOB) core.backup backup --to "$(abspath $(TO))"

.PHONY: restore
restore: $(READY) ## Fill the empty STATE from a backup and check it: FROM=folder
	@[ -n "$(FROM)" ] || { echo "make restore needs FROM=folder, the folder of a backup"; exit 2; }
	@DB_URL="$${DB_URL:-sqlite:///$(abspath $(STATE))/etalon.db}" STORE_ROOT="$(abspath $(STATE))" $(BIN)/python -m core.backup restore --from "$(abspath $(FROM))"

.PHONY: restore-drill
restore-drill: $(READY) ## Prove that a backup can be restored; leaves nothing: FROM=folder
	@[ -n "$(FROM)" ] || { echo "make restore-drill needs FROM=folder, the folder of a backup"; exit 2; }
	@$(BIN)/python -m core.backup drill --from "$(abspath $(FROM))"

.PHONY: reset
reset: $(READY) ## Stop the system and delete its state: SURE=1
	@[ "$(SURE)" = 1 ] || { echo "make reset deletes $(STATE) with its labels and models. If that is meant: make reset SURE=1"; exit 2; }
	@$(BIN)/python -m local down --state "$(STATE)"
	@rm -rf "$(STATE)"

.PHONY: lint
lint: $(READY) ## Style, import fences
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

.PHONY: test
test: check-mariadb test-unit test-integration test-api test-pages test-dags test-e2e test-faults ## All tests, tier by tier [SKIP_MARIADB=1]

.PHONY: check-mariadb
check-mariadb: $(READY)
	@$(BIN)/python -m tests.mariadb

# Four tiers run on every core, up to four (the API's and the pages' by file: each has services of its own), and keep their
# files in memory where there is room: they prove what is written, the faults prove that it survives, on a disk. The other
# tiers have ports, processes and timings of their own, one by one.
MEMORY := $(shell [ -w /dev/shm ] && [ "$$(df -Pk /dev/shm | awk 'NR == 2 {print $$4}')" -gt 4000000 ] && echo /dev/shm)
test-unit test-integration test-api test-pages: export TMPDIR := $(or $(MEMORY),$(TMPDIR),/tmp)
test-unit test-integration: SPREAD := --numprocesses logical --maxprocesses 4 --dist worksteal
test-api test-pages: SPREAD := --numprocesses logical --maxprocesses 4 --dist loadfile

.PHONY: test-unit test-integration test-api test-pages test-dags test-e2e test-faults
test-unit test-integration test-api test-pages test-dags test-e2e test-faults: test-%: $(READY)
	@echo "── tests: $*"
	@$(BIN)/python -m pytest tests/$* --durations=5 $(SPREAD)

.PHONY: screenshots
screenshots: $(READY) ## Take the README's pictures of the pages anew, in a real browser
	@SCREENSHOTS=docs/images $(BIN)/python -m pytest tests/pages/test_screenshots.py -q

.PHONY: api-fuzz
api-fuzz: $(READY) ## Thousands of requests a role, made from the OpenAPI document [SEED=n] [ROLE=admin] (about 10 minutes)
	@$(BIN)/python -m tests.api.fuzz $(if $(SEED),--seed $(SEED)) $(if $(ROLE),--role $(ROLE))

.PHONY: faults
faults: $(READY) ## Kill, cut the power, fill the disk, ... [SEED=n] [ONLY=campaign] (up to an hour)
	@$(BIN)/python -m tests.faults --scale full $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) --report data/var/faults.json

.PHONY: gate-study
gate-study: $(READY) ## How often the promotion gate is wrong, on real products: DATA=folder [TRIALS=200] (an hour at first)
	@$(BIN)/python -m bench.gate_study $(if $(DATA),--data "$(DATA)") $(if $(TRIALS),--trials $(TRIALS))

.PHONY: bench
bench: $(READY) ## Speed, part by part [BENCH="serving start http release retraining store overload accounts pages evidence"] (about 15 minutes)
	@missed=; for part in $(or $(BENCH),serving start http release retraining store overload accounts pages evidence); do echo "── bench: $$part"; $(BIN)/python -m bench.$$part || missed="$$missed $$part"; done; \
		[ -z "$$missed" ] || { echo "bench missed something wanted in:$$missed"; exit 1; }

.PHONY: images-proof
images-proof: $(READY) ## Build and start every image in a clean Debian tree, without an engine: root, Debian or Ubuntu [KEEP=1] (about 10 minutes)
	@$(BIN)/python -m tests.containers $(if $(KEEP),--keep)

.PHONY: day
day: $(READY) ## A day of the whole system in a quarter of an hour: every DAG, alarms, a person's decision [KEEP=1]
	@$(BIN)/python -m bench.day $(if $(KEEP),--keep)

.PHONY: lock
lock: ## Resolve the locks again (hashes, no addresses)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-annotate pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-annotate -c requirements.lock --group pyproject.toml:dev pyproject.toml -o requirements-dev.lock
	@for image in api mlflow; do $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-annotate -c requirements.lock docker/$$image/requirements.in -o docker/$$image/requirements.lock; done
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-annotate -c requirements.lock pyproject.toml docker/airflow/requirements.in -o docker/airflow/requirements.lock
