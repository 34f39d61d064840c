"""README, Makefile, pyproject and environment.yml agree, and the tree is what it says."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()
ENVIRONMENT = (ROOT / "environment.yml").read_text()
README = (ROOT / "README.md").read_text()


def _tracked() -> list[str]:
    told = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if told.returncode:
        pytest.skip("this is no git checkout")
    return told.stdout.splitlines()


def test_every_direct_dependency_has_one_tested_version() -> None:
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for requirement in (line for group in groups for line in group):
        assert re.fullmatch(r"[a-z0-9_.\[\]-]+==[\w.]+", requirement), requirement


def test_the_constraints_hold_the_same_versions() -> None:
    lines = (ROOT / ".constraints.txt").read_text().lower().replace("_", "-").splitlines()
    held = dict(line.split("==") for line in lines if "==" in line)
    extras = PROJECT["optional-dependencies"]
    for requirement in [*PROJECT["dependencies"], *extras["lab"], *extras["backends"]]:
        name, version = requirement.lower().replace("_", "-").split("==")
        assert held[name.partition("[")[0]] == version


def test_no_other_file_names_a_version() -> None:
    for name, text in (("environment.yml", ENVIRONMENT), ("Makefile", MAKEFILE)):
        assert "==" not in text, f"{name} names a version; versions stand in pyproject.toml"
        assert ".constraints.txt" in text


def test_conda_installs_the_extras_that_make_lab_installs() -> None:
    lab = re.search(r"has-lab:.*\n\t@\$\(SETUP\) (\S+)", MAKEFILE)
    assert lab is not None
    assert f"-e .[{lab[1]}]" in ENVIRONMENT


def test_every_extra_that_make_installs_exists() -> None:
    asked = re.findall(r"\$\(SETUP\) ([a-z,]+)", MAKEFILE)
    assert asked
    for extra in {name for group in asked for name in group.split(",")}:
        assert extra in PROJECT["optional-dependencies"]


def test_every_make_target_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`?make ([a-z]+)`?", README))
    assert {"demo", "lab", "test", "bench"} <= named
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert named <= targets, f"the README names {named - targets}"


def test_every_path_that_the_readme_links_to_exists() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", README):
        assert (ROOT / target).exists(), f"the README links to {target}"


def test_the_python_versions_agree() -> None:
    assert PROJECT["requires-python"] == ">=3.11"
    conda = re.search(r"python=3\.(\d+)", ENVIRONMENT)
    assert conda is not None
    assert int(conda[1]) >= 11
    assert "3.11" in README
    assert "(3, 11)" in (ROOT / ".setup").read_text()


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
