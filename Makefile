# The words of this file are the words of .ci/run, CONTRIBUTING.md and the pre-commit hooks.
# ARGS goes to the program a target runs: `make test ARGS="-x -k walk"`, `make demo ARGS=--help`.
PYTHON ?= $(shell python3.11 -c "" 2>/dev/null && echo python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
QUIETLY := --quiet --disable-pip-version-check
LOCK := build/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate pyproject.toml
PROVISION := $(BIN)/python -m tileproof.provision
# Marks that `make test-unit` excludes.
SERVICES := devnet or kubo or blender or sandbox or docker or slow or long

CHECKS := contract-test types contract imports lint format-check

.DEFAULT_GOAL := help
# Two targets may set up or build the same thing. `check` has that done before it goes side by side.
ifndef SIDE_BY_SIDE
.NOTPARALLEL:
endif
.PHONY: help packages setup lock tools all-tools contract-tools demo test test-unit test-long check format-check lint \
	types imports contract contract-test bench-gas bench-verify bench-cli simulate-economics format image clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

packages: ## the system packages that running and testing need: installed, or the line to paste
	@system/ensure-packages run

setup: $(READY) ## virtual environment and the package, editable

# Exactly what the lock file names, by its hashes; then the package itself, which needs no more.
$(READY): pyproject.toml requirements-dev.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(QUIETLY) --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install $(QUIETLY) --no-deps --no-build-isolation --editable .
	mkdir -p .typing
	ln -sfn ../src .typing/tileproof
	touch $@

lock: ## both lock files anew: the newest releases that pyproject.toml allows, for every system
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install $(QUIETLY) uv==0.13.9
	$(LOCK) --output-file requirements.lock
	$(LOCK) --group dev --constraint requirements.lock --output-file requirements-dev.lock

# Compilers are needed only where a tool is missing; provision says which it cannot do without.
tools: packages setup ## devnet, Kubo and Blender: found, downloaded or built, kept per user
	@{ $(PROVISION) --where devnet && $(PROVISION) --where kubo; } >/dev/null 2>&1 \
		|| system/ensure-packages build || true
	@$(PROVISION) devnet kubo bpy

contract-tools: packages setup ## the Cairo compilers and their test runner
	@$(PROVISION) cairo cairo-test

all-tools: packages setup ## every tool that `check` and `test` need, built in one go
	@system/ensure-packages build
	@$(PROVISION) devnet kubo bpy \
		$$($(BIN)/python contracts/build.py kept check >/dev/null || echo cairo) \
		$$($(BIN)/python contracts/build.py kept test >/dev/null || echo cairo-test)

demo: tools ## an honest job and a caught cheat on this machine, with play money
	@$(BIN)/python -m demo $(ARGS)

test: tools ## what a change must pass, on a real devnet, Kubo and Blender
	$(BIN)/python -m tests $(ARGS)

test-long: tools ## the longer tests that are due, part by part; PART=name runs one, ARGS=--list none
	@system/ensure-packages containers || true
	$(BIN)/python -m tests.long $(addprefix --part ,$(PART)) $(ARGS)

test-unit: setup ## what needs no service, within a minute and a half
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/unit tests/conformance tests/attacks -m "not ($(SERVICES))" $(ARGS)

check: setup ## all that is checked without running a job
	@$(MAKE) --no-print-directory --jobs 2 --keep-going --output-sync=target SIDE_BY_SIDE=yes $(CHECKS)

format-check: setup ## is everything formatted?
	$(BIN)/ruff format --check .

lint: setup ## ruff's rules
	$(BIN)/ruff check .

types: setup ## mypy, strict
	$(BIN)/mypy
	$(BIN)/mypy gallery demo model tests benchmarks

imports: setup ## the dependency rule
	$(BIN)/lint-imports

contract: setup ## do the committed artifacts equal their source?
	@$(BIN)/python contracts/build.py kept check \
		|| { $(PROVISION) cairo && $(BIN)/python contracts/build.py check; }

contract-test: setup ## the contract's own tests; those that passed on the same files are not run again
	@$(BIN)/python contracts/build.py kept test \
		|| { $(PROVISION) cairo-test && $(BIN)/python contracts/build.py test; }

bench-gas: setup ## gas of every call, beside a transfer and beside a naive contract
	@$(PROVISION) devnet
	@$(BIN)/python -m benchmarks.gas

bench-verify: setup ## what audits find of every cheat of the gallery, and what they cost; QUICK=1 in minutes
	@$(PROVISION) bpy
	@$(BIN)/python -m benchmarks.verify $(if $(QUICK),--quick) $(ARGS)

bench-cli: setup ## processor time of help, client list and client status, each in a fresh process
	@$(PROVISION) devnet
	@$(BIN)/python -m benchmarks.cli

bench-localnet: setup ## what the local chain holds in memory after 86,400 blocks; QUICK=1 makes 3,000
	@$(PROVISION) devnet
	@$(BIN)/python -m benchmarks.localnet $(if $(QUICK),--quick) $(ARGS)

simulate-economics: setup ## where honest work pays most, and where not; QUICK=1 in seconds
	@$(BIN)/python -m benchmarks.economics $(if $(QUICK),--quick)

format: setup ## format, and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

image: tools ## the container image, with the devnet and Kubo of the cache inside
	docker/build-image "$$($(PROVISION) --where devnet)" "$$($(PROVISION) --where kubo)" $(ARGS)

clean: ## what make made here, apart from the per-user cache
	rm -rf $(VENV) .typing .long build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
