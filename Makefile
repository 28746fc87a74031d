# The two commands of a newcomer are `make demo` and `make test`; `make` alone lists the rest.
# Nothing is installed outside $(VENV), except Debian's Chromium, bubblewrap, Node, PostgreSQL and MariaDB by
# `make test`, where they are missing and root asks.

VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
# The whole suite goes through two processes at once, each file through one of them.
WORKERS ?= 2
TOGETHER = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# One environment, three ways to be installed, each a stamp. `dev` (editable, everything in it)
# serves all targets once it is there; so does `lab` for what needs only the app.
DEV := $(VENV)/.installed-dev
LAB := $(if $(wildcard $(DEV)),$(DEV),$(VENV)/.installed-lab)
APP := $(if $(wildcard $(DEV) $(VENV)/.installed-lab),$(LAB),$(VENV)/.installed-app)

PACKAGED := pyproject.toml README.md $(shell find kernels notebooks nbagents/serverext/nbagents.json \
	nbagents/serverext/labextension -type f \
	-not -path '*/.*' -not -name '*.ipynb' 2>/dev/null)
SOURCES := $(PACKAGED) $(shell find nbagents -type f -not -path '*/__pycache__/*' 2>/dev/null)
TUTORIAL := $(firstword $(sort $(wildcard notebooks/*.md)))
NOTEBOOK := $(TUTORIAL:notebooks/%.md=build/notebooks/%.ipynb)
NOTEBOOKS := build/notebooks/.made

.PHONY: help install proto fmt lint types floors test test-quick test-long demo lab notebooks docs bench check clean programs databases ipykernels autogen
.DELETE_ON_ERROR:

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-12s%s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(APP)  ## two agents in a background server, talking in a notebook
	@$(BIN)/nbagents demo --output build/demo $(ARGS)

lab: $(LAB) $(NOTEBOOKS)  ## the tutorials in JupyterLab, the first one open
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS) $(NOTEBOOK)

install: $(DEV)  ## everything for working on nbagents, editable

test: $(DEV) programs databases ipykernels autogen  ## every test, those in a browser too
	$(BIN)/python -m pytest $(TOGETHER) $(ARGS)

test-quick: $(DEV)  ## the tests that need no browser, no notebook and no patience
	$(BIN)/python -m pytest $(TOGETHER) -m "not (browser or long or notebook or bench)" $(ARGS)

test-long: $(DEV) programs databases ipykernels autogen  ## every test, with the numbers of the long forms; an hour
	NBAGENTS_LONG=1 $(BIN)/python -m pytest $(TOGETHER) $(ARGS)

notebooks: $(DEV)  ## every tutorial, run in a real kernel
	$(BIN)/python -m pytest -m notebook $(ARGS)

docs: $(DEV)  ## tutorials, run anew, and the reference, as pages in build/docs
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs

bench: $(DEV)  ## the measurements
	$(BIN)/python -m pytest -m bench -s $(ARGS)

check: lint types floors test  ## what the continuous integration runs

lint: $(DEV)  ## style and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell $$(git ls-files --cached --others --exclude-standard)

fmt: $(DEV)  ## put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(DEV)  ## mypy, strict
	$(BIN)/mypy

floors: $(DEV)  ## imports only go downstairs
	$(BIN)/lint-imports

proto: $(DEV)  ## generate the stubs beside each .proto
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. nbagents/rpc/_proto/*.proto

clean:  ## remove what these targets made
	rm -rf build dist $(VENV) .coverage* htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find nbagents tests -name __pycache__ -prune -exec rm -rf {} +

programs:
	@.ci/program Chromium 'chromium chromium-browser google-chrome' 'chromium fonts-liberation'
	@.ci/program bubblewrap bwrap bubblewrap
	@.ci/program Node npm 'nodejs npm'
	@.ci/node build/node

databases:
	@.ci/databases

ipykernels: $(DEV)
	@.ci/kernels $(VENV) build/kernels

autogen: $(DEV)
	@.ci/autogen $(VENV) build/autogen

$(VENV)/bin/python:
	@.ci/venv $(VENV)

$(DEV): $(PACKAGED) | $(VENV)/bin/python
	@echo "installing nbagents for development; the first time takes a minute or two"
	@.ci/pip $(VENV) -e '.[dev]'
	@rm -f $(VENV)/.installed-*
	@touch $@

$(VENV)/.installed-lab: $(SOURCES) | $(VENV)/bin/python
	@echo "installing nbagents and JupyterLab; the first time takes a minute or two"
	@.ci/pip $(VENV) '.[lab]'
	@rm -f $(VENV)/.installed-*
	@touch $@

$(VENV)/.installed-app: $(SOURCES) | $(VENV)/bin/python
	@echo "installing nbagents; the first time takes a minute or two"
	@.ci/pip $(VENV) .
	@touch $@

# What is newer than at the last time, in one go; what its reader has run is else left alone.
$(NOTEBOOKS): $(wildcard notebooks/*.md) | $(LAB)
	@mkdir -p $(@D)
	@$(BIN)/jupytext --quiet --to ../$(@D)//ipynb $?
	@touch $@
