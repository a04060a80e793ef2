# Two commands matter: `make lab` opens the course, `make test` proves that everything works.
# Both need only Python 3.11 or newer and make; all they install goes into .venv beside this file.

# The Python that makes .venv, for example PYTHON=python3.12; empty: the first one that fits.
PYTHON ?=
# Handed on to JupyterLab, for example LAB_ARGS="--no-browser --port 8890".
LAB_ARGS ?=
# Handed on to pytest, for example PYTEST_ARGS="tests/core/test_models.py -x".
PYTEST_ARGS ?=
# How many test files run side by side; the cores are shared out among them.
WORKERS ?= 2
# The lessons that `make claims` and `make budget` measure, for example LESSONS="08 10"; empty: all of them.
LESSONS ?=
# PyTorch's own index of builds without GPU libraries.
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu

SHELL := /bin/sh
VENV_PYTHON := .venv/bin/python
COURSE := $(VENV_PYTHON) -m vae_course.tools.cli
PIP := $(VENV_PYTHON) -m pip --disable-pip-version-check
# The stamps carry the folder's checksum: an editable install in a folder that was moved is made again.
HERE := $(shell pwd -P | cksum | cut -d' ' -f1)
READY_LAB := .venv/ready-lab-$(HERE)
READY_TEST := .venv/ready-test-$(HERE)
READY_COLAB := .venv/colab/ready
READY_BOOK := .venv/ready-book-$(HERE)

.PHONY: help lab test quick colab setup-lab setup-test setup-book build book budget claims lint format typecheck hooks pretrained benchmarks clean
.DEFAULT_GOAL := help

help: ## this list
	@echo "The VAE course. Two commands matter; the rest is for those who change it."
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

lab: setup-lab ## open the course in JupyterLab
	@$(COURSE) lab $(LAB_ARGS)

test: setup-test ## run every test, every notebook included
	@$(VENV_PYTHON) -m pytest --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder $(PYTEST_ARGS)

quick: setup-test ## run the quick tests, for while you work: no notebook, no browser, no training
	@$(VENV_PYTHON) -m pytest --quick --numprocesses $(WORKERS) --dist loadscope $(PYTEST_ARGS)

setup-lab: $(READY_LAB)

setup-test: $(READY_TEST) ## install what the tests need, and stop there

colab: $(READY_COLAB) ## make a stand-in for Colab's software (about 6 GB), which a test runs every lesson on

setup-book: $(READY_BOOK)

build: setup-test ## build every lesson whose source has changed, and the tables of the README and the documents
	@$(COURSE) build
	@$(COURSE) tables

book: setup-book ## write all full lessons as a site to build/book, which needs no network
	@$(VENV_PYTHON) -m docs.book

claims: setup-test ## measure again the numbers that the lessons state, on both data sets
	@$(COURSE) claims $(LESSONS)
	@$(COURSE) build $(LESSONS)

budget: setup-test ## measure again what each lesson costs in time and memory
	@$(COURSE) budget $(LESSONS)
	@$(COURSE) build $(LESSONS)
	@$(COURSE) tables

lint: setup-test ## check style and format, notebooks included
	@$(VENV_PYTHON) -m ruff check
	@$(VENV_PYTHON) -m ruff format --check

format: setup-test ## put the code into the agreed format
	@$(VENV_PYTHON) -m ruff check --fix
	@$(VENV_PYTHON) -m ruff format

typecheck: setup-test ## check the types of the package
	@$(VENV_PYTHON) -m mypy

hooks: setup-test ## check format and types at every commit from now on
	@$(VENV_PYTHON) -m pre_commit install

pretrained: setup-test ## train the shipped weights again
	@$(COURSE) pretrained

benchmarks: setup-test ## measure speed, side by side with the plain ways
	@$(VENV_PYTHON) -m benchmarks

clean: ## remove .venv and everything else that make created
	rm -rf .venv build dist vae_course.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find vae_course tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------------------------------------- setting up

# A Python fits that is new enough and can make an environment that holds pip.
IS_NEW := import sys; sys.exit(sys.version_info < (3, 11))
HAS_VENV := import ensurepip, venv

define make-venv
$(VENV_PYTHON) -c 'import pip' 2>/dev/null && exit 0; \
if [ -n "$(PYTHON)" ]; then set -- "$(PYTHON)"; \
else set -- python3 python3.13 python3.12 python3.11 python3.14 python; fi; \
new=''; \
for candidate in "$$@"; do \
  "$$candidate" -c '$(IS_NEW)' 2>/dev/null || continue; \
  new="$$candidate"; \
  "$$candidate" -c '$(HAS_VENV)' 2>/dev/null || continue; \
  echo "Making .venv with $$("$$candidate" --version)."; \
  "$$candidate" -m venv --clear .venv && exit 0; \
done; \
if [ -n "$$new" ]; then \
  echo "$$new cannot make a virtual environment: install its venv package (Debian and Ubuntu: apt-get install python3-venv) and run make again." >&2; \
else \
  echo "The course needs Python 3.11 or newer, and this is not one: $$("$$1" --version 2>&1 | tail -n 1). Install a newer one, or name it: make lab PYTHON=/path/to/python3.12" >&2; \
fi; \
exit 1
endef

# PyTorch comes first and by itself: on Linux the default index serves a build with about 5 GB of GPU libraries, so where
# there is no NVIDIA GPU the build without them (about 200 MB) is preferred, if its index can be reached.
HAS_TORCH := import importlib.metadata as m; print(m.version("torch").split("+")[0])
REACHES := import signal, sys, urllib.request; signal.alarm(8); urllib.request.urlopen(sys.argv[1], timeout=5)

define install-torch
grep -q "^torch==$$($(VENV_PYTHON) -c '$(HAS_TORCH)' 2>/dev/null)$$" constraints.txt && exit 0; \
case "$$(uname -s)-$$(uname -m)" in \
  Linux-x86_64|Linux-aarch64) ;; \
  *) echo "PyTorch: the build for this system, from the default package index."; $(PIP) install --constraint constraints.txt torch torchvision; exit;; \
esac; \
if nvidia-smi -L >/dev/null 2>&1; then \
  echo "PyTorch: the build for the NVIDIA GPU found here (about 5 GB), from the default package index."; \
elif ! $(VENV_PYTHON) -c '$(REACHES)' "$(TORCH_CPU_INDEX)/torch/" >/dev/null 2>&1; then \
  echo "PyTorch: $(TORCH_CPU_INDEX) can't be reached, so the default package index is used (about 5 GB, GPU libraries included)."; \
else \
  echo "PyTorch: no NVIDIA GPU here, so the build without GPU libraries (about 200 MB) from $(TORCH_CPU_INDEX)"; \
  $(PIP) install --retries 1 --timeout 15 --no-deps --index-url "$(TORCH_CPU_INDEX)" \
    --constraint constraints.txt torch torchvision && exit 0; \
  echo "PyTorch: that did not work, so the default package index is used (about 5 GB, GPU libraries included)."; \
fi; \
$(PIP) install --constraint constraints.txt torch torchvision
endef

# Colab's Python where it is here, else the one of .venv.
COLAB_PYTHON = $(shell for p in python3.13 "$$HOME"/.pyenv/versions/3.13*/bin/python3.13; do \
  "$$p" -c '$(HAS_VENV)' 2>/dev/null && echo "$$p" && exit; done; echo $(VENV_PYTHON))

# It needs no more than the folder, so `make -j2 setup-test colab` makes both side by side.
$(READY_COLAB): tests/support/fixtures/colab.txt | .venv/pyvenv.cfg
	@echo "Making a stand-in for Colab with $(COLAB_PYTHON)."
	@"$(COLAB_PYTHON)" -m venv --clear .venv/colab
	@.venv/colab/bin/python -m pip --disable-pip-version-check install --quiet --requirement tests/support/fixtures/colab.txt
	@touch $@

# JupyterLab asks newcomers whether they want its news, on top of the first lesson; here the default is no.
LAB_DEFAULTS := .venv/share/jupyter/lab/settings/overrides.d
NO_NEWS := {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}

.venv/pyvenv.cfg:
	@$(make-venv)

# The second look is for a folder that was left half made.
$(READY_LAB): pyproject.toml constraints.txt | .venv/pyvenv.cfg
	@$(make-venv)
	@$(install-torch)
	@echo "Installing the course and JupyterLab (about 100 packages, a minute or two)."
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[lab]'
	@mkdir -p $(LAB_DEFAULTS) && echo '$(NO_NEWS)' > $(LAB_DEFAULTS)/vae-course.json
	@touch $@

$(READY_TEST): $(READY_LAB)
	@echo "Installing what the tests need (about 80 packages)."
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[lab,author,test,book,cluster]'
	@touch $@

$(READY_BOOK): $(READY_LAB)
	@echo "Installing what the book needs (about 20 packages)."
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[lab,book]'
	@touch $@
