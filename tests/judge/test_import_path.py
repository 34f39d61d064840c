"""Tests that the judge does not import modules from a target's folder: their code would run in the
judge's process.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from judge.broken import MINE
from support import run_python

#: Modules that the judge itself imports. The target's folder has a module of each name.
SHADOWED = ("signal", "redis", "typer", "rich", "psutil", "celery", "kombu")
QUEUE = (
    'import redis, helper\n\nassert redis.Redis and helper.NAME == "queue"\n'
    f"{MINE.format(pop='rpop').replace('class Mine', 'class MyQueue')}"
)
APP = "from celery import Celery\nimport helper\napp = Celery(helper.NAME, broker='amqp://')\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a queue, a Celery app, and modules that record their import."""
    for name in SHADOWED:
        text = f"open({str(tmp_path / 'imported')!r}, 'a').write('{name} ')\nraise ImportError\n"
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "helper.py").write_text('NAME = "queue"\n')
    (tmp_path / "queue_of_mine.py").write_text(QUEUE)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "tasks.py").write_text(APP)
    return tmp_path


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "command",
    [
        ("-m", "demo_app", "judge", "queue_of_mine.py:MyQueue", "--levels", "2"),
        pytest.param(
            ("-m", "demo_app", "judge", "celery:shop.tasks:app", "--levels", "2"),
            marks=pytest.mark.thorough,
        ),
    ],
    ids=["class", "celery"],
)
def test_no_module_beside_the_target_or_in_the_current_folder_is_imported(
    folder: Path, command: tuple[str, ...]
) -> None:
    output = run_python(*command, cwd=folder)
    found = folder / "imported"
    assert not found.exists(), found.read_text()
    assert output.returncode == 0, output.stdout + output.stderr
