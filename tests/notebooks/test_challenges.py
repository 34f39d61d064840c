"""Tests that each challenge begins with the previous solution and shows the judge's findings.

The tests in tests/judge check the solutions.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from notebooks.kernels import NOTEBOOKS, kernel
from notebooks.lesson import CHALLENGES, code_cells, code_of, solution_of, text_of

from demo_app.judge.levels import LEVELS
from lab import challenge, program
from lab.show import LabError

NUMBERS = tuple(LEVELS)


def cells(number: int) -> list[str]:
    return code_cells(CHALLENGES[number - 1])


def solution(number: int) -> str:
    return solution_of(CHALLENGES[number - 1])


@pytest.mark.parametrize("number", NUMBERS)
def test_a_challenge_begins_where_the_last_one_ended(number: int) -> None:
    start = code_of(NOTEBOOKS / "challenges/start.py")
    _, queue, call, *_ = cells(number)
    assert queue.strip() == (solution(number - 1) if number > 1 else start)
    assert call == f"judge(MyQueue, levels={number})"


@pytest.mark.parametrize("levels", [13, [], "1"])
def test_a_level_that_does_not_exist_is_refused(levels: Any) -> None:
    with pytest.raises(LabError, match="from 1 to 12"):
        challenge.judge(object, levels)


def test_the_cell_of_a_class_is_not_that_of_a_class_with_a_longer_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cells = ["class MyQueue:", "class MyQueue2(MyQueue):"]
    shell = SimpleNamespace(user_ns={"In": cells})
    monkeypatch.setattr(program, "get_ipython", lambda: shell)
    assert [program.cell_of(f"class {name}") for name in ("MyQueue", "MyQueue2")] == cells


@pytest.mark.timeout(400)
def test_a_learner_sees_the_hole_and_then_the_lamp() -> None:
    with kernel() as here:
        here.run("import os, tempfile; os.chdir(tempfile.mkdtemp())")
        here.run(cells(1)[0].replace('".."', repr(str(NOTEBOOKS))))
        here.run(cells(1)[1])
        text = text_of(here.run(cells(1)[2]))
        assert "✗ fails" in text
        assert "job-1 is nowhere" in text
        assert "0 of 12 lamps are lit" in text
        here.run("from pathlib import Path; assert not Path('my_queue.py').exists()")
        here.run(solution(1))
        text = text_of(here.run(cells(1)[2]))
        assert "✓ holds" in text
        assert "1 of 12 lamps are lit" in text
        assert "1 of 12 lamps are lit" in text_of(here.run("lamps()"))
        here.run("assert 'class MyQueue' in Path('my_queue.py').read_text()")
        here.run("assert Path('judged.json').read_text() == '[1]'")


@pytest.mark.thorough
@pytest.mark.timeout(400)
def test_the_learners_queue_carries_the_blogs_mail_and_a_worker_is_killed_on_it() -> None:
    last = cells(len(NUMBERS))
    with kernel() as here:
        here.run("import os, tempfile; os.chdir(tempfile.mkdtemp())")
        here.run(last[0].replace('".."', repr(str(NOTEBOOKS))))
        here.run(solution(len(NUMBERS)))
        for cell in last[3:5]:
            here.run(cell)
        here.run("assert (blog.ledger().arrived, len(blog.kills)) == (6, 1)")
        here.run("assert blog.redis.hlen('rescues'), 'by the rescue of the class'")
        here.run("assert not blog.redis.exists(f'claims:w{blog.kills[0].pid}')")
        here.run("blog.close()")


@pytest.mark.nightly
@pytest.mark.timeout(600)
def test_the_lessons_show_what_the_learners_queue_loses(tmp_path: Path) -> None:
    """The queue of challenge 4 removes a job from its list before the job runs: a kill loses it."""
    (tmp_path / "challenges").mkdir()
    ending = "from lab.queue_backend import backend_of\nmake = backend_of(MyQueue)\n"
    (tmp_path / "challenges/my_queue.py").write_text(f"{solution(4)}\n\n\n{ending}")
    comparison = next(cell for cell in code_cells("04_kill_the_worker") if "YOURS" in cell)
    with kernel() as here:
        here.run(f"import os; from lab import Lab; os.chdir({str(tmp_path)!r})")
        here.run(comparison.partition("side_by_side(")[0])
        here.run("assert (yours['your_queue'].missing, len(blog.posted)) == (1, 40)")
        here.run("blog.close()")
        here.run("from lab import ladder\nladder.RUNGS = ()\n(yours,) = ladder.climb().values()")
        here.run("lost = {one.name: one.lost for one in yours}")
        here.run("assert lost['its jobs\\' process is killed'] == 1")
        here.run("assert lost['Redis is killed'] in (2, 3)  # one may be on its way to the worker")
