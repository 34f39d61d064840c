"""The judge catches broken queues that no level was written for; see `judge.mutants`."""

from __future__ import annotations

import csv

import pytest
from judge.mutants import MUTANTS, SHEET, Mutant, judged


def test_each_is_another_queue() -> None:
    sources = {mutant.source() for mutant in MUTANTS}
    assert len(sources) == len(MUTANTS) >= 20
    for source in sources:
        compile(source, "queue.py", "exec")


def test_the_sheet_from_which_the_page_has_its_score_has_each_of_them() -> None:
    with SHEET.open(encoding="utf-8") as file:
        assert {row["what"] for row in csv.DictReader(file)} == {one.what for one in MUTANTS}


@pytest.mark.nightly
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_each_is_caught(mutant: Mutant) -> None:
    assert judged(mutant, 0).held is False
