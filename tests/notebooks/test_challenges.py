"""The challenges: each begins where the last one ended, and says what the judge found.

That each solution holds its level is judged in tests/judge.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from notebooks.kernels import NOTEBOOKS, kernel

from demo_app.judge.levels import LEVELS

FOLDER = NOTEBOOKS / "challenges"
CHALLENGES = sorted(FOLDER.glob("[0-9]*.ipynb"))
NUMBERS = tuple(LEVELS)


def cells(number: int, kind: str) -> list[str]:
    """The challenge's cells of that kind."""
    notebook = nbformat.read(CHALLENGES[number - 1], as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


def code_of(path: Path) -> str:
    """A file without its docstring."""
    return re.sub(r'^""".*?"""\n+', "", path.read_text(), flags=re.DOTALL).strip()


def solution(number: int) -> Path:
    return FOLDER / "solutions" / f"level_{number:02d}.py"


@pytest.mark.parametrize("number", NUMBERS)
def test_a_challenge_begins_where_the_last_one_ended(number: int) -> None:
    before = solution(number - 1) if number > 1 else FOLDER / "start.py"
    _, queue, call, *_ = cells(number, "code")
    assert queue.strip() == code_of(before)
    assert call == f"judge(MyQueue, levels={number})"


@pytest.mark.timeout(400)
def test_a_learner_sees_the_hole_and_then_the_lamp() -> None:
    with kernel() as here:
        here.run("import os, tempfile; os.chdir(tempfile.mkdtemp())")
        here.run(cells(1, "code")[0].replace('".."', repr(str(NOTEBOOKS))))
        here.run(cells(1, "code")[1])
        shown = here.run(cells(1, "code")[2])
        told = "\n".join(one["data"]["text/plain"] for one in shown if "data" in one)
        assert "✗ fails" in told
        assert "job-1 is nowhere" in told
        assert "0 of 12 lamps are lit" in told
        here.run(code_of(solution(1)))
        shown = here.run(cells(1, "code")[2])
        told = "\n".join(one["data"]["text/plain"] for one in shown if "data" in one)
        assert "✓ holds" in told
        assert "1 of 12 lamps are lit" in told
        shown = here.run("lamps()")
        assert "1 of 12 lamps are lit" in shown[-1]["data"]["text/plain"]


@pytest.mark.thorough
@pytest.mark.timeout(400)
def test_the_learners_queue_carries_the_blogs_mail_and_a_worker_is_killed_on_it() -> None:
    last = cells(len(NUMBERS), "code")
    with kernel() as here:
        here.run("import os, tempfile; os.chdir(tempfile.mkdtemp())")
        here.run(last[0].replace('".."', repr(str(NOTEBOOKS))))
        here.run(code_of(solution(len(NUMBERS))))
        for cell in last[3:5]:
            here.run(cell)
        here.run("assert (blog.ledger().arrived, len(blog.kills)) == (6, 1)")
        here.run("assert blog.redis.hlen('rescues'), 'by the rescue of the class'")
        here.run("assert not blog.redis.exists(f'claims:w{blog.kills[0].pid}')")
        here.run("blog.close()")


@pytest.mark.thorough
def test_a_learner_sees_the_shortest_way_to_a_lost_job_and_then_that_there_is_none() -> None:
    *_, explores = cells(5, "code")
    with kernel() as here:
        here.run(cells(5, "code")[0].replace('".."', repr(str(NOTEBOOKS))))
        here.run(code_of(solution(4)))
        assert "It takes 3 steps." in here.run(explores)[-1]["data"]["text/plain"]
        here.run(code_of(solution(5)))
        assert "these are all" in here.run(explores)[-1]["data"]["text/plain"]
