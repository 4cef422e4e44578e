# Every target sets up what it needs. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run demo doctor connect smoke soak crash test test-openclaw check format lock screenshots
.PHONY: test-containers up down

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

setup: $(STAMP) ## .venv with everything; a no-op when current

$(STAMP): requirements-dev.txt
	@echo "Setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check 'uv==0.13.*' \
	  && $(BIN)/uv pip install --quiet --require-hashes --python $(BIN)/python -r requirements-dev.txt \
	  || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

run: setup ## both services, in the foreground; without accounts the sandbox too
	@exec $(BIN)/python -m dev.run

demo: setup ## one whole call against the sandbox, shown as it happens
	@$(BIN)/python -m dev.demo

doctor: setup ## look at everything that a call needs, and say what to do next
	@$(BIN)/python -m dev.command doctor

connect: setup ## have Twilio and OpenAI lead the calls to your number here; CONNECT='--trunk' and the like
	@$(BIN)/python -m dev.command connect $(CONNECT)

smoke: setup ## one real call to the owner, followed until it is in OpenClaw
	@$(BIN)/python -m dev.command smoke

soak: setup ## 300 random calls against the sandbox, then the books are checked; SOAK='--seed 7 --kill' and the like
	@$(BIN)/python -m dev.soak $(SOAK)

crash: setup ## the bridge dies at 400 random moments and at every line while calls end, then its books are checked
	@$(BIN)/python -m dev.crash $(CRASH)

test: setup ## the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist worksteal -rs

# What npm brings is kept in .cache/openclaw.
RELEASES ?= 2026.2.2 2026.7.35 newest
test-openclaw: setup ## calls into real OpenClaw releases from npm; RELEASES='2026.7.35 newest' chooses
	@releases=$$($(BIN)/python -m tests.openclaw.install $(RELEASES)) \
	  && $(BIN)/python -m pytest tests/openclaw -n 3 --releases "$$releases"

check: setup ## format, lint, types, import contracts, dead code
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/vulture
	@$(BIN)/deptry .
	@! grep -nE 'https?://' requirements.txt requirements-dev.txt

format: setup ## format the code and mend what can be mended
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --fix .

lock: setup ## write both requirements files anew from pyproject.toml
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-header pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --group dev pyproject.toml -o requirements-dev.txt

screenshots: setup ## docs/page*.png anew, of calls against the sandbox; needs Debian's chromium and chromium-driver
	@$(BIN)/python -m dev.screenshots

test-containers: ## build the image and play a call through docker compose (as root, with podman)
	@tests/containers/run

# Without an OpenAI key the sandbox comes along, as in `make run`.
ACCOUNTS := $(OPENAI_API_KEY)$(shell grep -s '^OPENAI_API_KEY=.' .env)
COMPOSE   = env UID=$$(id -u) GID=$$(id -g) docker compose -f docker-compose.yml $(if $(ACCOUNTS),,-f sandbox/compose.yml)

up: ## docker compose up; without accounts with the sandbox
	$(COMPOSE) up --build --detach

down: ## docker compose down
	$(COMPOSE) down
