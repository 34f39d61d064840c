"""The walk names every step of one comment, and where in the code it is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from demo_app.demo.walk import HAPPENS

ROOT = Path(__file__).parents[2]


def test_it_prints_the_steps_in_their_order_and_functions_that_are_where_it_says() -> None:
    command = [sys.executable, "-m", "demo_app", "walk"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert not told.stderr
    assert re.findall(r"^ ?\d+  (\w+)", told.stdout, re.MULTILINE) == list(HAPPENS)
    places = re.findall(r"^ +(\S+):(\d+)-(\d+)(?:  (\S+))?$", told.stdout, re.MULTILINE)
    for file, first, last, name in places:
        lines = (ROOT / file).read_text("utf-8").splitlines()[int(first) - 1 : int(last)]
        assert len(lines) == int(last) - int(first) + 1
        assert name.rpartition(".")[2] in "\n".join(lines)
    assert {"notify_author", "add_comment", "claim", "give_back"} <= {place[3] for place in places}
