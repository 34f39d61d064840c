"""Tests that `.setup` creates .venv with a suitable Python, or reports why it can't."""

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HERE = f"{platform.system()} {platform.machine()}"

#: A stand-in for uv. It records each call, and creates an environment as uv does.
_UV = """#!/bin/sh
echo "$*" >>"$(dirname "$0")/calls"
[ "$1" = venv ] || exit 0
[ ! -e .venv ] || exit 2
mkdir -p .venv/bin && ln -s /bin/true .venv/bin/python
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder with a copy of `.setup`, and with `bin`, the only folder on the PATH."""
    shutil.copy(ROOT / ".setup", tmp_path)
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (binaries / "python3").symlink_to(sys.executable)
    for name in ("sh", "dirname", "cat", "rm", "mkdir", "ln"):
        (binaries / name).symlink_to(str(shutil.which(name)))
    (binaries / "uv").write_text(_UV)
    (binaries / "uv").chmod(0o755)
    return tmp_path


def _run(tree: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command, env = ["/bin/sh", ".setup", "lab"], {"PATH": str(tree / "bin"), **environment}
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)


def set_up(tree: Path, **environment: str) -> list[str]:
    output = _run(tree, **environment)
    assert output.returncode == 0, output.stderr
    return (tree / "bin" / "calls").read_text().splitlines()


def refused(tree: Path, **environment: str) -> str:
    output = _run(tree, **environment)
    assert (output.returncode, (tree / "bin" / "calls").exists()) == (1, False)
    return output.stderr


def kit(tree: Path, made_for: str) -> None:
    """Turn the tree into a kit, as `make kit` creates it.

    Args:
        made_for: the Python and the platform of its wheels, such as "Python 3.12 on Linux x86_64".
    """
    (tree / "wheels").mkdir()
    (tree / "wheels" / "made-for").write_text(made_for + "\n")


def environment_of(tree: Path, python: str) -> None:
    (tree / ".venv" / "bin").mkdir(parents=True)
    (tree / ".venv" / "bin" / "python").symlink_to(python)


def test_it_makes_an_environment_and_installs_into_it(tree: Path) -> None:
    assert [call.split()[0] for call in set_up(tree)] == ["venv", "pip"]


@pytest.mark.parametrize("named", ["/nowhere/python3.12", "false"])
def test_a_python_that_was_named_is_taken_or_refused(tree: Path, named: str) -> None:
    errors = refused(tree, PYTHON=named)
    assert named in errors
    assert "Python 3.11 or later" in errors


def test_an_environment_whose_python_has_gone_is_made_anew(tree: Path) -> None:
    environment_of(tree, "/nowhere/python3.11")
    set_up(tree)


def test_a_kit_asks_no_network_not_for_pip_either(tree: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    writes = re.search(r"-c '(.*)' > build/kit/wheels/made-for", makefile)
    assert writes is not None
    command = [sys.executable, "-c", writes[1]]
    kit(tree, subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    created, installed = set_up(tree)
    assert "--seed" not in created, "for which uv fetches pip"
    assert "--no-index --find-links wheels" in installed
    assert " pip -e " in installed
    assert " pip 'setuptools" in makefile, "and so a kit has to have it"


def test_pip_comes_into_an_environment_of_uv_sync_which_has_none(tree: Path) -> None:
    environment_of(tree, "/bin/true")
    (installed,) = set_up(tree)
    assert " pip -e .[lab]" in installed


def test_the_error_names_the_python_that_the_kit_is_for(tree: Path) -> None:
    kit(tree, f"Python 3.99 on {HERE}")
    assert f"Python 3.99 on {HERE}" in refused(tree)
    assert not (tree / ".venv").exists()


def test_a_kit_finds_the_python_that_it_was_made_for(tree: Path) -> None:
    right = tree / "bin" / "python3.12"  # `.setup` tries python3 first
    right.write_text(f'#!/bin/sh\necho "Python 3.99 on {HERE}"\n')
    right.chmod(0o755)
    kit(tree, f"Python 3.99 on {HERE}")
    assert str(right) in set_up(tree)[0]


@pytest.mark.parametrize(("python", "again"), [(sys.executable, False), ("/nowhere/python", True)])
def test_make_sets_up_again_when_the_python_has_gone(tree: Path, python: str, again: bool) -> None:
    for name in ("Makefile", "pyproject.toml", ".constraints.txt"):
        shutil.copy(ROOT / name, tree)
    environment_of(tree, python)
    (tree / ".venv" / ".has-demo").touch()
    output = subprocess.run(
        ["make", "--dry-run", "demo"], cwd=tree, capture_output=True, text=True, check=True
    )
    assert ("sh .setup demo" in output.stdout) == again


def test_make_grade_needs_a_folder_whose_path_may_have_blanks(tmp_path: Path) -> None:
    tree = tmp_path / "two words"
    environment_of(tree, str(shutil.which("echo")))
    shutil.copy(ROOT / "Makefile", tree)
    grade = ["make", "--assume-old=.venv/.has-demo", "grade", "ARGS="]
    output = subprocess.run(grade, cwd=tree, capture_output=True, text=True)
    assert "FOLDER" in output.stderr
    assert subprocess.check_output([*grade, "FOLDER=a b"], cwd=tree, text=True).endswith("a b\n")
