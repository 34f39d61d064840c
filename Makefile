# Each target works on a fresh machine with Python >= 3.11: it creates .venv if it is missing.
PY := .venv/bin/python
SETUP := PYTHON="$(PYTHON)" sh .setup
CHANGED := pyproject.toml .constraints.txt .setup
# Otherwise each process of a lesson or a test would compile the whole project when it starts.
unexport PYTHONDONTWRITEBYTECODE
# A .venv whose Python no longer exists, as after an upgrade, counts as missing.
$(shell test -x $(PY) || rm -f .venv/.has-*)

.PHONY: help lab demo doctor show show-file test test-all test-nightly bench chaos explore mutants celery-suite book playground kit grade check constraints clean
help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

# The demo starts before the library for its picture, half of the download, is installed.
demo: .venv/.has-demo  ## the demo in the terminal: kill workers, count the mails
	@$(PY) -m demo_app demo
	@test ! -e build/timeline.pickle || $(MAKE) --no-print-directory .venv/.has-picture
	@test ! -e build/timeline.pickle || { printf 'The picture: '; $(PY) -m demo_app.demo.picture build; }

lab: .venv/.has-lab  ## the lessons, in JupyterLab
	@git config filter.lesson.clean '$(PY) notebooks/jupyter/clean.py' 2>/dev/null || true
	@cd notebooks && exec ../$(PY) -m jupyterlab --config=jupyter/config.py

doctor: .venv/.has-demo  ## what this machine lacks, one line a check
	@$(PY) -m demo_app doctor

show: .venv/.has-demo  ## the show: a stage for an audience, with the keys that break things
	@exec $(PY) -m demo_app up --show

show-file: .venv/.has-demo  ## the four-minute show as one HTML file, in build/show.html
	@$(PY) -m demo_app.stage.recorder build/show.html $(ARGS)

# Each further pytest process collects all tests again, which takes 3.9 s of CPU time.
TESTS := $(PY) -m pytest -n 5
test: .venv/.has-test  ## what a newcomer should see pass: every folder of tests, in about five minutes
	@$(TESTS) -m "not thorough and not nightly" $(ARGS)

MARK := not nightly
test-all: .venv/.has-test  ## all tests except the nightly ones, with every program they need
	@$(TESTS) -m "$(MARK)" $(ARGS)

test-nightly: .venv/.has-test  ## what takes hours and rarely finds something: campaigns, full suites, repetitions
	@.ci/nightly

bench: .venv/.has-test  ## the benchmark tables
	@PYTHONPATH=.:tests $(PY) -m benchmarks

chaos: .venv/.has-demo  ## a thousand faults, and what became of every mail; ARGS="--help" says more
	@PYTHONPATH=.:tests $(PY) -m chaos $(ARGS)

# ARGS="--list" lists the worlds, ARGS="--world NAME" explores one.
explore: .venv/.has-test  ## every interleaving of a few workers and jobs; ARGS="--help" says more
	@PYTHONPATH=.:tests $(PY) -m explore $(ARGS)

# ARGS="--part" takes two minutes, the whole suite about forty; ARGS="--help" lists all options.
celery-suite: .venv/.has-test  ## Celery's and kombu's own tests, on stock Celery and on this broker
	@PYTHONPATH=.:tests $(PY) -m celery_suite $(ARGS)

# Takes hours, and continues at the end of build/mutants.jsonl. ARGS=rescue.lua tests one file, ARGS=--page writes the table.
mutants: .venv/.has-test  ## every one-line mistake in the scripts and steps, and what shows it
	@PYTHONPATH=.:tests $(PY) -m explore.verdicts $(ARGS)

# It runs the lessons whose code has changed, and uses the stored outputs of all others.
book: .venv/.has-book  ## a site to read offline: the lessons with their outputs, challenges, reference
	@$(PY) -m sphinx --quiet --jobs 2 --fail-on-warning --keep-going --conf-dir notebooks/book --doctree-dir build/pages $(ARGS) . build/book
	@[ ! -e build/show.html ] || cp build/show.html build/book
	@$(PY) notebooks/playground/build.py build/book

playground: .venv/.has-demo  ## one page, without a server: kill a worker in the browser, and see where its job is
	@$(PY) notebooks/playground/build.py build/playground

# Copy the folder to another machine with the same system and Python. `make lab` needs no network there.
kit: book  ## all of it for a room without internet, in build/kit: packages, lessons, book
	@rm -rf build/kit && mkdir -p build/kit
	@git ls-files -z | tar --null --files-from=- --create | tar --extract --directory=build/kit
	@$(PY) -m pip download --quiet --disable-pip-version-check --dest build/kit/wheels \
		-c .constraints.txt pip 'setuptools>=77' 'build/kit[demo,picture,lab,backends]'
	@$(PY) -c 'import platform as on, sys; print("Python {}.{} on".format(*sys.version_info), on.system(), on.machine())' > build/kit/wheels/made-for
	@rm -rf build/kit/wheels/jobs_that_survive* build/kit/*.egg-info build/kit/build
	@cp -R build/book build/kit/
	@cd build/kit && find . -type f ! -name SHA256SUMS -exec $$(command -v sha256sum || echo shasum -a 256) {} + > SHA256SUMS
	@du -sh build/kit

# ARGS="--csv grades.csv" writes the rows for a spreadsheet. -P: nothing in the current folder is imported.
grade: .venv/.has-demo  ## FOLDER=...: judge the queue in every Python file there; one row each
	@PYTHONPATH="$(CURDIR)/notebooks" $(PY) -P -m demo_app.judge.grade "$${FOLDER:?is missing: name the folder of the queues}" $(ARGS)

check: .venv/.has-test  ## linters and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) tests/plain_english.py
	@$(PY) -m mypy
	@MYPYPATH=notebooks $(PY) -m mypy -p lab

# Pin all installed packages, also the indirect dependencies, to their present versions.
constraints: .venv/.has-test
	@$(PY) -m pip freeze --exclude-editable > .constraints.txt

.venv/.has-demo: $(CHANGED)
	@$(SETUP) demo && touch $@
.venv/.has-picture: $(CHANGED)
	@$(SETUP) demo,picture && touch $@
.venv/.has-lab: $(CHANGED)
	@$(SETUP) demo,picture,lab,backends && touch $@
.venv/.has-book: $(CHANGED)
	@$(SETUP) demo,picture,lab,backends,book && touch $@
.venv/.has-test: $(CHANGED)
	@$(SETUP) demo,picture,lab,backends,postgres,bench,book,test && touch $@

clean:
	rm -rf .venv build
