"""Tests that the judge does not import modules from a target's folder: their code would run in the
judge's process.
"""

from pathlib import Path

import pytest
from judge.broken import MINE
from support import most_thorough, run_python

#: Modules that the judge itself imports. The target's folder has a module of each name.
SHADOWED = ("signal", "redis", "typer", "rich", "psutil", "celery", "kombu")
QUEUE = (
    'import redis, helper\n\nassert redis.Redis and helper.NAME == "queue"\n'
    f"{MINE.format(pop='rpop').replace('class Mine', 'class MyQueue')}"
)
CLASS = "queue_of_mine.py:MyQueue"
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
@pytest.mark.parametrize("target", most_thorough((CLASS, "celery:shop.tasks:app"), CLASS))
def test_no_module_beside_the_target_or_in_the_current_folder_is_imported(
    folder: Path, target: str
) -> None:
    output = run_python("-m", "demo_app", "judge", target, "--levels", "2", cwd=folder)
    found = folder / "imported"
    assert not found.exists(), found.read_text()
    assert output.returncode == 0, output.stdout + output.stderr
