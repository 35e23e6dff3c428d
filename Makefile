# Every target works from a fresh clone: it needs make, git and Python 3.11 or newer, and makes .venv by itself.
# Plain enough for GNU make 3.81 (macOS) and for BSD tools.

PY := .venv/bin/python

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help environment book test serve lab notebooks bench assignment grade portable lint clean

help: ## list what there is to do
	@echo "An executable companion to the book Deep Learning. What there is to do:"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
	@echo "CH=02 picks a chapter, PORT=8001 a port, PYTHON=python3.12 the Python to build on."

environment:
	@command -v $(or $(PYTHON),python3) >/dev/null 2>&1 || { \
	  echo "Stopped: there is no $(or $(PYTHON),python3) here; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3." >&2; \
	  exit 1; }
	@$(or $(PYTHON),python3) tools/environment.py

book: environment ## build the site into _build/html from the committed outputs
	@$(PY) tools/build_site.py

test: environment ## run every test: lint, units, notebooks, structure, browser
	@$(PY) tools/run_tests.py

serve: environment ## build the site if needed and serve it to this machine [PORT=8000]
	@$(PY) tools/serve.py site $(if $(PORT),--port $(PORT))

lab: environment ## open the notebooks in JupyterLab [PORT=8888]
	@$(PY) tools/serve.py lab $(if $(PORT),--port $(PORT))

notebooks: environment ## execute the notebooks and write their outputs [CH=02]
	@$(PY) tools/notebooks.py $(CH)

bench: environment ## time dlcore against its peers
	@OPENBLAS_NUM_THREADS=1 $(PY) benchmarks/run.py

assignment: environment ## make the students' edition of a chapter's exercises, CH=02
	@test -n "$(CH)" || { echo "Stopped: name a chapter, for example: make assignment CH=02." >&2; exit 1; }
	@$(PY) tools/assignment.py release $(CH)

grade: environment ## grade what was handed in for a chapter, CH=02
	@test -n "$(CH)" || { echo "Stopped: name a chapter, for example: make grade CH=02." >&2; exit 1; }
	@$(PY) tools/assignment.py grade $(CH)

portable: environment ## execute the notebooks as if on another processor and compare [CH=02]
	@$(PY) tools/run_tests.py notebooks --portable $(if $(CH),--chapter $(CH))

lint: environment ## check style, types and the direction of imports
	@$(PY) tools/run_tests.py lint

clean: ## remove everything that make has made, .venv included
	rm -rf .venv _build build dlcore.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
