# One command each: see `make help`.
STACK ?=
PYTHON ?=
export PYTHON

.PHONY: help setup sample demo test lint format constraints

help:  ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup:  ## make the virtual environment (STACK=tfgan or current; PYTHON=interpreter)
	@environment/create.sh $(STACK)

sample:  ## draw handwritten digits with the model that ships: seconds after set-up
	@environment/create.sh $(STACK)
	@environment/run.sh "$(STACK)" -m gan.generate --model=digits --out=samples/digits.png

demo:  ## train, evaluate and draw handwritten digits: three to six minutes on two cores
	@environment/create.sh $(STACK)
	@environment/run.sh "$(STACK)" -m gan.train --preset=digits --mode=train_and_eval

test:  ## set-up, lint and all tests (STACK=tfgan or current)
	@environment/create.sh $(STACK)
	@environment/run.sh "$(STACK)" -m ruff check .
	@environment/run.sh "$(STACK)" -m ruff format --check .
	@environment/run.sh "$(STACK)" -m pytest

lint: setup  ## ruff alone
	@environment/run.sh "$(STACK)" -m ruff check .
	@environment/run.sh "$(STACK)" -m ruff format --check .

format: setup  ## put the code into ruff's format
	@environment/run.sh "$(STACK)" -m ruff check --fix .
	@environment/run.sh "$(STACK)" -m ruff format .

constraints:  ## resolve environment/*.in into *.txt with uv, for all supported Pythons
	uv pip compile --quiet --universal --python-version 3.9 --upgrade \
		--no-header environment/tfgan.in --output-file environment/tfgan.txt
	uv pip compile --quiet --universal --python-version 3.10 --upgrade \
		--no-header environment/current.in --output-file environment/current.txt
