"""Each change of the list can still be made: the line that it changes is there, once."""

from __future__ import annotations

import pytest

from demo_app import settings
from mutants.__main__ import REPOSITORY, Change, changes
from mutants.safeguards import Safeguard, safeguards


@pytest.mark.parametrize("change", changes(), ids=lambda change: change.what)
def test_the_line_is_there_and_so_are_its_tests(change: Change) -> None:
    assert change.made_in((REPOSITORY / change.file).read_text())
    for test in change.tests:
        assert (REPOSITORY / test).is_file()


@pytest.mark.parametrize("safeguard", safeguards(), ids=lambda safeguard: safeguard.what)
def test_a_safeguard_can_still_be_left_out(safeguard: Safeguard) -> None:
    if safeguard.change is None:
        assert safeguard.without in set(settings.Safeguard)
    else:
        assert safeguard.change.made_in((REPOSITORY / safeguard.change.file).read_text())
