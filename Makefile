# The same few commands on a laptop and in continuous integration. Each installs what it needs by itself.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
INSTALLED := .venv/.installed
RUN := runs/digits
TABLE_RUN := runs/arithmetic
# The scripts whose reports docs/performance.md shows, each with its defaults.
BENCHMARKS ?= parity tokenizer side_by_side reduced_precision memory first_answer scaling training peers

# Sets of benchmarks/learning.py that take a minute or two.
LEARNED ?= GunPoint ItalyPowerDemand BasicMotions django-messages

# The oldest release of Transformers that is supported, and what else it needs older than the rest.
LOWEST := "transformers==5.10.1" "tokenizers>=0.22,<=0.23.0" "huggingface_hub>=1.5,<2"

.PHONY: help install demo table-demo test parity-lowest check hostile kills mutants format benchmark recipes docs clean

help:
	@echo "make demo       train, evaluate and predict on real handwritten digits (minutes on two cores)"
	@echo "make table-demo the same on a table of pictures, sounds, sentences and numbers; what each column is worth"
	@echo "make test       run the tests"
	@echo "make parity-lowest  parity tests against the oldest supported Transformers (half an hour)"
	@echo "make hostile    read a hundred thousand damaged files (an hour)"
	@echo "make kills      kill training, predicting, converting and exporting 200 times, and go on (an hour)"
	@echo "make mutants    try the tests of the lines that matter most with small faults (half an hour)"
	@echo "make check      formatting, lint, types"
	@echo "make format     rewrite the code in the house format"
	@echo "make benchmark  run the comparisons with Transformers"
	@echo "make recipes    train every recipe on bundled data and write docs/results.md (an hour or more)"
	@echo "make docs       build the documentation as a site into build/site; a dead link fails"
	@echo "make install    only make .venv and install everything into it"
	@echo "make clean      remove .venv, runs and caches"

install: $(INSTALLED)

# Made again only when what is to be installed has changed. Torch first: its version decides about the rest.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) --version); try make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[train,media,samples,export,app,batch,track,docs,dev]"
	@touch $@

# The digits' model is too small to be shared among cores: one thread is as fast, and stays so on a busy machine.
demo: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/perceivers train image-classification --data digits --output $(RUN) --overwrite
	$(BIN)/perceivers evaluate $(RUN) --data digits
	$(BIN)/perceivers samples digits --split test --count 24 --output $(RUN)/held_out
	$(BIN)/perceivers predict $(RUN) $(RUN)/held_out --output $(RUN)/predictions
	@echo "Look at $(RUN)/predictions/predictions.png and $(RUN)/learning_curve.png"
	@echo "Try it in the browser: $(BIN)/perceivers app $(RUN) --open"

# Two answers, each of which needs several columns. Its model is small, too.
table-demo: $(INSTALLED)
	$(BIN)/perceivers inspect arithmetic --target result parity
	OMP_NUM_THREADS=1 $(BIN)/perceivers train table --data arithmetic --target result parity --output $(TABLE_RUN) --overwrite
	$(BIN)/perceivers explain $(TABLE_RUN) --output $(TABLE_RUN)/why
	$(BIN)/perceivers samples arithmetic --split test --count 24 --output $(TABLE_RUN)/held_out
	$(BIN)/perceivers predict $(TABLE_RUN) $(TABLE_RUN)/held_out/test.csv --output $(TABLE_RUN)/predictions
	@echo "Look at $(TABLE_RUN)/why/columns.png and $(TABLE_RUN)/predictions/predictions.html"
	@echo "Try it in the browser: $(BIN)/perceivers app $(TABLE_RUN) --open"

# One thread a worker: the workers share the cores. No test of this run asks the network. What the first process compiles is
# written, so that those which tests start need not compile it again.
test: $(INSTALLED)
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n $(WORKERS)

# Laid over what is installed, in a folder of its own: the tests of "make test" run with the newest release.
parity-lowest: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target .venv/lowest $(LOWEST)
	PYTHONPATH=.venv/lowest OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n $(WORKERS) \
		tests/compatibility tests/integrations/transformers

# Libraries of media write what they think of damaged files to the terminal; -s shows the counts of each reader.
hostile: $(INSTALLED)
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -m hostile -s tests/hostile

# -s shows the counts of each command.
kills: $(INSTALLED)
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -m slow -s tests/kills

mutants: $(INSTALLED)
	$(BIN)/python benchmarks/mutants.py

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: $(INSTALLED)
	@for name in $(BENCHMARKS); do \
		echo "== benchmarks/$$name.py"; HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/$$name.py || exit 1; \
	done
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/learning.py --sets $(LEARNED) --seeds 0 --minutes 3

recipes: $(INSTALLED)
	HF_HUB_OFFLINE=1 $(BIN)/python recipes/run.py

docs: $(INSTALLED)
	$(BIN)/zensical build --strict --clean
	@echo "Look at build/site/index.html; with a server: $(BIN)/python -m http.server --directory build/site"

clean:
	rm -rf .venv runs build .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
