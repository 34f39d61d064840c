"""Queues that nobody wrote for a challenge, each of an unusual kind, keep every promise."""

from __future__ import annotations

from pathlib import Path

import pytest
from judge.samples import sample

from demo_app.judge.judge import Judge
from demo_app.judge.targets import target_of

pytestmark = pytest.mark.timeout(900)
SOUND = sorted((Path(__file__).parent / "sound").glob("*.py"))


#: The level that each is about.
ABOUT = {"autoclaim": 5, "sorted_set": 7, "watch": 4}


def _is_sound(path: Path, levels: list[int]) -> None:
    with Judge(target_of(f"{path}:MyQueue"), seconds=0.0) as judge:
        found = {one.level.number: one for one in judge.judge(levels)}
    assert not any(one.why for one in found.values()), found


@pytest.mark.thorough
@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.stem)
def test_an_unusual_queue_that_is_sound_holds_the_level_that_it_is_about(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample(monkeypatch, [ABOUT[path.stem]])
    _is_sound(path, [ABOUT[path.stem]])


@pytest.mark.nightly
@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.stem)
def test_an_unusual_queue_that_is_sound_holds_every_level(path: Path) -> None:
    _is_sound(path, [*range(1, 11), 12])  # none keeps what is put in while the server is down


@pytest.mark.thorough
def test_a_nap_is_shorter_than_a_lease_although_a_worker_starts_slowly(tmp_path: Path) -> None:
    text = (Path(__file__).parent / "sound" / "autoclaim.py").read_text("utf-8")
    slow = tmp_path / "slow.py"
    began = "        self.redis, self.mine = redis, None\n"
    slow.write_text(text.replace(began, f"{began}        __import__('time').sleep(2.5)\n"), "utf-8")
    assert slow.read_text() != text
    with Judge(target_of(f"{slow}:MyQueue"), seconds=0.0) as judge:
        (verdict,) = judge.judge([4])
    assert verdict.held, verdict.why
