"""The judge catches every queue that is broken on purpose, and passes one that is not."""

from __future__ import annotations

import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from verification.judge.broken import BROKEN, solution

from demo_app.verification.judge.judge import Judge, Verdict
from demo_app.verification.judge.levels import LEVELS
from demo_app.verification.judge.picture import svg
from demo_app.verification.judge.targets import target_of


def verdicts(path: Path, levels: range) -> list[Verdict]:
    with Judge(target_of(f"{path}:MyQueue"), seconds=0.0) as judge:
        return list(judge.judge(levels))


@pytest.mark.parametrize(("level", "path", "words"), BROKEN, ids=lambda one: str(one))
def test_a_broken_queue_is_caught_and_the_hole_is_named(level: int, path: Path, words: str) -> None:
    began = time.monotonic()
    (verdict,) = verdicts(path, range(level, level + 1))
    assert not verdict.held
    assert words in verdict.why
    assert time.monotonic() - began < 100, "within a minute, on a machine that is not busy"
    assert verdict.record is not None
    assert verdict.plan is not None
    assert len(verdict.plan.faults) <= 2
    assert verdict.as_json()["history"], "the smallest history that shows it"
    ElementTree.fromstring(svg(verdict.record, verdict.why))


@pytest.mark.timeout(300)
def test_a_sound_queue_holds_every_level() -> None:
    found = verdicts(solution(12), range(1, 13))
    assert [verdict.level.number for verdict in found] == list(LEVELS)
    assert [verdict.why for verdict in found] == [""] * len(LEVELS)
    assert sum(verdict.lost for verdict in found) == 0
