"""Tests that each promise is tagged in the code, and that each tag names a promise."""

import re
from pathlib import Path

from generated import put

from demo_app.markdown import table
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


def test_the_page_has_every_promise() -> None:
    page = ROOT.parent / "notebooks" / "reference" / "how-we-know.md"
    rows = [[f"`{name}`", what] for name, what in PROMISES.items()]
    assert page.read_text("utf-8") == put(page, "promises", table(["promise", ""], rows))
