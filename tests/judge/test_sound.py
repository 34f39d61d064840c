"""Tests that the queue of `sound/autoclaim.py`, on a Redis stream, passes all levels except 11.

tests/judge/test_judge.py has the tests of the challenges' queues.
"""

from pathlib import Path

import pytest
from support import changed

from demo_app.judge.judge import Judge
from demo_app.judge.targets import target_of

pytestmark = pytest.mark.timeout(900)
SOUND = Path(__file__).parent / "sound" / "autoclaim.py"


@pytest.mark.nightly
def test_it_holds_every_level_but_one() -> None:
    # without level 11: the queue can't store a job that is enqueued while the server is down
    with Judge(target_of(f"{SOUND}:MyQueue"), seconds=0.0) as judge:
        found = {one.level.number: one for one in judge.judge([*range(1, 11), 12])}
    assert not any(one.why for one in found.values()), found


@pytest.mark.thorough
def test_a_nap_is_shorter_than_a_lease_although_a_worker_starts_slowly(tmp_path: Path) -> None:
    slow = tmp_path / "slow.py"
    began = "        self.redis, self.mine = redis, None\n"
    sleeps = {began: f"{began}        __import__('time').sleep(2.5)\n"}
    slow.write_text(changed(SOUND.read_text("utf-8"), sleeps), "utf-8")
    with Judge(target_of(f"{slow}:MyQueue"), seconds=0.0) as judge:
        (verdict,) = judge.judge([4])
    assert verdict.held, verdict.why
