"""The walk names every step of one comment, and where in the code it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from demo_app.commands import main
from demo_app.demo.walk import HAPPENS

ROOT = Path(__file__).parents[2]


@pytest.mark.thorough
def test_it_prints_the_steps_in_their_order_and_functions_that_are_where_it_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["walk"]) == 0
    told = capsys.readouterr()
    assert not told.err
    assert re.findall(r"^ ?\d+  (\w+)", told.out, re.MULTILINE) == list(HAPPENS)
    places = re.findall(r"^ +(\S+):(\d+)-(\d+)(?:  (\S+))?$", told.out, re.MULTILINE)
    for file, first, last, name in places:
        lines = (ROOT / file).read_text("utf-8").splitlines()[int(first) - 1 : int(last)]
        assert len(lines) == int(last) - int(first) + 1
        assert name.rpartition(".")[2] in "\n".join(lines)
    assert {"notify_author", "add_comment", "claim", "give_back"} <= {place[3] for place in places}
