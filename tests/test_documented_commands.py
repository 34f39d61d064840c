"""Tests that every command, option and module on the pages exists."""

import re
from importlib.util import find_spec
from pathlib import Path

import typer
from benchmarks.__main__ import NAMES

from demo_app.commands import app

ROOT = Path(__file__).parent.parent
_PLACES = ("*.md", ".github/*.md", ".dist/*/*.md", "notebooks/**/*.md", "notebooks/**/*.ipynb")
#: The changelog may name removed commands.
PAGES = [one for place in _PLACES for one in ROOT.glob(place) if one.name != "CHANGELOG.md"]
#: Modules in examples that belong to the learner or to other projects.
NOT_OURS = {"my_app", "pip", "venv", "pytest", "celery", "aiosmtpd", "uvicorn", "http"}


def found(pattern: str) -> set[tuple[str, ...]]:
    return {
        (str(page.relative_to(ROOT)), *match)
        for page in PAGES
        for match in re.findall(pattern, page.read_text("utf-8"))
    }


def test_each_module_that_is_run_exists() -> None:
    run = found(r"()python3? -m ([a-z_][\w.]*)")
    assert len(run) > 20
    missing = [
        (page, module)
        for page, _, module in run
        if module.partition(".")[0] not in NOT_OURS | {"celery_claims"}
        and find_spec(module.rstrip(".")) is None
    ]
    assert not missing


def test_each_benchmark_exists_and_so_does_each_that_a_page_names() -> None:
    named = {name for _, _, name in found(r"()python -m benchmarks ([a-z_]+)")}
    assert not [name for name in {*NAMES, *named} if find_spec(f"benchmarks.{name}") is None]


def test_each_command_of_the_app_and_each_option_of_it_exists() -> None:
    commands = typer.main.get_command(app).commands
    known = {
        name: {
            option
            for parameter in command.params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        for name, command in commands.items()
    }
    named = found(r"python -m demo_app ([a-z]+)([^`\n|\\\"]*)")
    assert {command for _, command, _ in named} == set(known)
    unknown = [
        (page, command, option)
        for page, command, words in named
        for option in re.findall(r"--[a-z-]+", words)
        if option not in known[command]
    ]
    assert not unknown


def test_each_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = found(r"()`make ([a-z-]+)")
    assert not [(page, target) for page, _, target in named if target not in targets]


def test_each_file_of_the_tree_that_a_page_names_exists() -> None:
    rooted = found(r"()`((?:demo_app|local_smtp|notebooks|tests)/[\w./-]+\.\w+)`")
    assert rooted
    assert not [(page, path) for page, _, path in rooted if not (ROOT / path).exists()]


def test_each_test_that_a_page_names_exists() -> None:
    """The names of Celery's and kombu's tests, on `broker.md`, are not sentences."""
    code = "".join(path.read_text("utf-8") for path in ROOT.glob("tests/**/*.py"))
    named = found(r"()[ `](test_an?_\w+)`")
    assert not [(page, name) for page, _, name in named if f"def {name}(" not in code]
