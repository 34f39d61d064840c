"""The table of what people use says what the judge found."""

from __future__ import annotations

from demo_app.judge.table import markdown


def test_what_a_queue_says_of_itself_is_no_html_and_no_picture_in_the_table() -> None:
    row = {"queue": "<b>", "1": "✗", "made of": "", "told": "raised ![](//x.test)", "how": "`a`"}
    assert markdown([row]).splitlines()[2:] == [
        "| &lt;b> | ✗ |",
        "",
        "- **&lt;b>**: raised ![]&#40;//x.test). `a`",
    ]
