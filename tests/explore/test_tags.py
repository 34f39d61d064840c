"""Each promise is tagged at the lines that keep it, and each tag names a promise."""

from __future__ import annotations

import re
from pathlib import Path

from explore.promises import PROMISES

ROOT = Path(__file__).parent.parent.parent / "demo_app"
TAG = re.compile(r"(?:#|--|\() ?keeps: ([a-z, -]+)")


def test_every_promise_has_its_lines_and_every_tag_its_promise() -> None:
    files = [*ROOT.rglob("*.py"), *ROOT.rglob("*.lua")]
    tags = {
        tag
        for file in files
        for found in TAG.finditer(file.read_text("utf-8"))
        for tag in found[1].split(", ")
    }
    assert tags == PROMISES.keys()
