"""Each change of the list can still be made: the line that it changes is there, once."""

from __future__ import annotations

import pytest

from mutants.__main__ import REPOSITORY, Change, changes


@pytest.mark.parametrize("change", changes(), ids=lambda change: change.what)
def test_the_line_is_there_and_so_are_its_tests(change: Change) -> None:
    assert change.made_in((REPOSITORY / change.file).read_text())
    for test in change.tests:
        assert (REPOSITORY / test).is_file()
