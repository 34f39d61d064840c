"""Tests that a herd without retries is drawn, and that an untrusted notebook shows its figures."""

from __future__ import annotations

import re
from base64 import b64decode
from html.parser import HTMLParser

from demo_app.demo.timeline import Timeline
from lab.figures import Outcome, outcomes_picture
from lab.pictures import herd_picture, in_tenths


class Untrusted(HTMLParser):
    """An output in a notebook that is not trusted: JupyterLab keeps text and images, and removes
    SVG, templates and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.images = "", list[dict[str, str | None]]()
        self.feed(re.sub("<style.*?</style>", "", page, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.images += [dict(attributes)] if tag == "img" else []

    def handle_data(self, text: str) -> None:
        self.text += text.strip()


def test_a_herd_of_which_no_job_had_to_try_again_has_a_picture() -> None:
    counts = in_tenths(Timeline([], [], {}), {"job-1": "call_in_step"})
    assert max(counts["call_in_step"].values()) == 0
    assert "at most 0 tries" in herd_picture(**counts).words


def test_a_figure_is_an_image_with_words_in_a_notebook_that_nobody_has_trusted() -> None:
    picture = outcomes_picture([Outcome("memory", arrived=3, lost=5)])
    left = Untrusted(picture._repr_mimebundle_()["text/html"])
    assert left.text == ""
    (image,) = left.images
    assert image["alt"] == picture.words
    kind, _, data = str(image["src"]).partition(",")
    assert kind == "data:image/png;base64"
    assert b64decode(data).startswith(b"\x89PNG")
