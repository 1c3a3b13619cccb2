# Two commands: `make run` trains on the embedded sample competition, `make test` checks the project.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

BROWSERS := chromium chromium-browser google-chrome google-chrome-stable

.PHONY: run test browser reliability lock

run: $(VENV)/installed
	$(BIN)/python -m data.synthetic --out input/sample
	$(BIN)/python -m experiments.focal_kfold

test: $(VENV)/installed-dev browser
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist worksteal

# The full lane of tests/reliability: minutes, and a table of figures at its end.
reliability: $(VENV)/installed-dev
	RELIABILITY=full $(BIN)/python -m pytest -n 2 --dist loadfile tests/reliability

# The report is opened in a real browser: the one that is there, else Debian's.
browser:
	@for name in $(BROWSERS); do command -v $$name > /dev/null && exit 0; done; \
	[ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
	{ $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium; } > /dev/null || \
	{ echo "The report is tested in a browser, and there is none: install Chromium (Debian: apt-get install chromium)."; exit 1; }

# Catalyst 22.4 declares an extra that pip >= 24.1 refuses to read: the environment gets the last pip that accepts it.
$(VENV)/pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet pip==24.0
	touch $@

$(VENV)/installed: requirements.txt $(VENV)/pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/installed-dev: $(wildcard requirements-*.txt) $(VENV)/installed
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@

# Every package that requirements.txt brings, with the hashes of its files: pip install --require-hashes -r requirements.lock
lock: $(VENV)/pip
	$(BIN)/python -m pip install --quiet uv==0.13.9
	$(BIN)/uv pip compile --quiet --no-config --system-certs --universal --python-version 3.11 --upgrade --generate-hashes \
		--custom-compile-command "make lock" --output-file requirements.lock requirements.txt
