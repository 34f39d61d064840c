"""The judge catches broken queues that no level was written for; all: see `judge.mutants`."""

from __future__ import annotations

import csv

import pytest
from judge.mutants import MUTANTS, SHEET, Mutant, judged

pytestmark = pytest.mark.timeout(300)
#: Some whose trials are short: others wait for leases.
QUICK = [
    "a text ends at its first colon",
    "in the order of their names",
    "looking for a job and taking it are two steps",
    "poison is thrown away",
    "put says that a job is there before its text is",
    "in the order of stamps in milliseconds",
    "a file of the outbox can be read before it is whole",
]


def test_each_is_another_queue() -> None:
    sources = {mutant.source() for mutant in MUTANTS}
    assert len(sources) == len(MUTANTS) >= 50
    for source in sources:
        compile(source, "queue.py", "exec")


def test_the_sheet_from_which_the_page_has_its_score_has_each_of_them() -> None:
    with SHEET.open(encoding="utf-8") as file:
        assert {row["what"] for row in csv.DictReader(file)} == {one.what for one in MUTANTS}


@pytest.mark.thorough
@pytest.mark.parametrize("what", QUICK)
def test_a_quick_one_is_caught(what: str) -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.what == what)
    assert judged(mutant, 0).held is False


def test_a_change_that_the_sound_queue_has_no_place_for_is_an_error() -> None:
    with pytest.raises(LookupError, match="nothing"):
        Mutant(1, "nothing", {"no such text": ""}).source()
