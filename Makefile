# One command each: see `make help`.
STACK ?=
PYTHON ?=
GPU ?=
export PYTHON GPU

.PHONY: help setup sample demo test test-oldest lint format constraints

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## make the virtual environment (STACK=tfgan or current; PYTHON=interpreter; GPU=1 or 0)
	@environment/create.sh "$(STACK)"

sample:  ## draw handwritten digits with the model that ships: seconds after set-up
	@environment/create.sh "$(STACK)"
	@environment/run.sh "$(STACK)" -m gan.generate --model=digits --out=samples/digits.png

demo:  ## train, evaluate and draw handwritten digits: three to six minutes on two cores
	@environment/create.sh "$(STACK)"
	@environment/run.sh "$(STACK)" -m gan.train --preset=digits --mode=train_and_eval

test:  ## set-up, lint and all tests (STACK=tfgan or current)
	@environment/create.sh "$(STACK)" test
	@environment/run.sh "$(STACK)" -m ruff check .
	@environment/run.sh "$(STACK)" -m ruff format --check .
	@environment/run.sh "$(STACK)" -m pytest

test-oldest:  ## the layers' tests on the oldest TensorFlow and Keras 3 that they run on
	@environment/create.sh oldest
	@environment/run.sh oldest -m pytest tests/ham_tf tests/conformance

lint:  ## ruff alone
	@environment/create.sh "$(STACK)" test
	@environment/run.sh "$(STACK)" -m ruff check .
	@environment/run.sh "$(STACK)" -m ruff format --check .

format:  ## put the code into ruff's format
	@environment/create.sh "$(STACK)" test
	@environment/run.sh "$(STACK)" -m ruff check --fix .
	@environment/run.sh "$(STACK)" -m ruff format .

constraints:  ## resolve environment/*.in into *.txt with uv, for all platforms and Pythons
	@environment/resolve.sh --upgrade
