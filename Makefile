# Wellspring. `make demo` and `make test` are all that a fresh machine needs.
.PHONY: help demo serve test check bench simulate lock clean venv venv-dev
.DEFAULT_GOAL := help

PORT ?= $(or $(WELLSPRING_PORT),8123)
PEOPLE ?= 200
DATA ?= $(or $(WELLSPRING_DATA),$(CURDIR)/data)
DEMO_DATA = $(if $(filter command% environment%,$(origin DATA)),$(DATA),$(CURDIR)/.data/demo)
JSON ?=
SEEDS ?= 3
BIN := .venv/bin

help: ## Show this
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

venv:
	@tools/venv.sh runtime

venv-dev:
	@tools/venv.sh dev

demo: venv ## Build, start and fill a demo: PORT=8123 DATA=folder PEOPLE=200
	@exec $(BIN)/wellspring demo --port "$(PORT)" --data "$(DEMO_DATA)" --people "$(PEOPLE)"

serve: venv ## Build and start the real thing: PORT=8123 DATA=folder
	@exec $(BIN)/wellspring serve --port "$(PORT)" --data "$(DATA)"

test: venv-dev ## Run every test
	@tools/chromium.sh
	$(BIN)/python -m pytest -n 2 -rs

check: venv-dev ## Formatting, lint, types, import directions, our own rules, documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python tools/rules.py
	$(BIN)/python tools/error_codes.py --check
	$(if $(wildcard mkdocs.yml),$(BIN)/mkdocs build --strict --quiet)

bench: venv-dev ## Measure beside pgbench: JSON=file for the figures
	$(BIN)/python -m bench $(if $(JSON),--json "$(JSON)")

simulate: venv-dev ## Compare the recommender with others in a simulated world: SEEDS=3, JSON=file for the figures
	$(BIN)/python -m bench.simulator --seeds $(SEEDS) $(if $(JSON),--json "$(JSON)")

lock: ## Lock requirements/*.in again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links requirements/runtime.in -o requirements/runtime.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links -c requirements/runtime.txt requirements/dev.in -o requirements/dev.txt

clean: ## Remove what was built (no data)
	rm -rf .venv site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
