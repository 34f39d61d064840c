"""Tests that each `make` target installs all extras that its programs need."""

import os
import re
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support import most_thorough, run_python

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]

#: Imports the modules of its arguments. The first argument lists packages that it hides, as if they
#: were not installed.
_ALONE = """
import sys
from importlib import import_module

class Hides:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, *rest):
        return None if name.partition(".")[0] in hidden else self.finder.find_spec(name, *rest)

hidden = set(sys.argv[1].split(","))
sys.meta_path[:] = map(Hides, sys.meta_path)
for name in sys.argv[2:]:
    import_module(name)
"""


def _installed(extras: list[str]) -> set[str]:
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    waiting = [(Requirement(line), "") for line in lines]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, extra_of = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra_of}):
            continue
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            # skip a package that is not installed: only other versions of Python need it
            with suppress(PackageNotFoundError):
                waiting += [(Requirement(line), extra) for line in requires(name) or ()]
    return {name for name, _ in seen}


def _named_by_the_api_page() -> list[str]:
    page = (ROOT / "notebooks" / "book" / "api.md").read_text()
    objects = re.findall(r"auto(?:class|function):: (\S+)\.", page)
    return [*objects, *re.findall(r"automodule:: (\S+)", page)]


#: For each target, the modules that it runs.
TARGETS = (
    ("demo", ["demo_app.commands", "local_smtp.__main__"]),
    ("picture", ["demo_app.demo.picture"]),
    ("lab", ["lab.running", "demo_app.backends.celery", "lab.checks"]),
    ("book", _named_by_the_api_page()),
)


@pytest.mark.parametrize(("target", "modules"), most_thorough(TARGETS, TARGETS[0]))
def test_a_target_needs_only_what_it_installs(target: str, modules: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    setup = re.search(rf"has-{target}:.*\n\t@\$\(SETUP\) (\S+)", makefile)
    assert setup is not None
    installed = _installed(setup[1].split(","))
    hidden = [
        name
        for name, owners in packages_distributions().items()
        if not {canonicalize_name(owner) for owner in owners} & {*installed, PROJECT["name"]}
    ]
    assert "mypy" in hidden, "which only the tests need"
    paths = os.pathsep.join([".", "tests", "notebooks"])
    output = run_python("-c", _ALONE, ",".join(hidden), *modules, cwd=ROOT, PYTHONPATH=paths)
    assert output.returncode == 0, output.stderr


@pytest.mark.parametrize("name", ["celery-claims", "local-smtp"])
def test_a_distribution_for_others_asks_for_the_versions_that_the_project_was_tested_with(
    name: str,
) -> None:
    own = tomllib.loads((ROOT / ".dist" / name / "pyproject.toml").read_text())["project"]
    tested = {*PROJECT["dependencies"], *EXTRAS["demo"]}
    assert set(own["dependencies"]) <= tested
    if name == "celery-claims":
        assert own["dependencies"] == PROJECT["dependencies"]
        assert set(own["optional-dependencies"]["web"]) <= tested
    assert own["requires-python"] == PROJECT["requires-python"]
