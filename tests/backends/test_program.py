"""Tests of `program`: the name that a job's history shows for the program that enqueued the job."""

from pathlib import Path

import pytest
from support import run_python

PRINT = "from demo_app.backends.celery_command import program\nprint(program())\n"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["-m", "shop"], "shop"),
        (["-m", "shop.till"], "till"),
        (["shop/till.py"], "till"),
        (["-c", PRINT], "python"),
    ],
)
def test_a_program_has_the_name_of_its_module_or_file(
    tmp_path: Path, arguments: list[str], name: str
) -> None:
    (tmp_path / "shop").mkdir()
    for file in ("__main__.py", "till.py"):
        (tmp_path / "shop" / file).write_text(PRINT)
    assert run_python(*arguments, cwd=tmp_path).stdout == f"{name}\n"
