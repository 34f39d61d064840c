"""Tests of outputs: a herd without retries, a table without rows, a table in a dark JupyterLab, and
figures in an untrusted notebook."""

import re
from base64 import b64decode
from contextlib import closing
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest

from demo_app.demo.colours import INK, PAPER
from demo_app.demo.timeline import Timeline
from lab import Lab, Table, look
from lab.figures import Outcome, outcomes_picture
from lab.pictures import herd_picture, in_tenths, numbers_of
from lab.show import LabError


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


def test_a_queue_without_a_job_has_no_numbers() -> None:
    lab: Any = SimpleNamespace(seen=lambda: Timeline([], [], {}))
    with pytest.raises(LabError, match="nothing to draw yet"):
        numbers_of(lab)


def test_a_figure_is_an_image_with_words_in_a_notebook_that_nobody_has_trusted() -> None:
    picture = outcomes_picture([Outcome("memory", arrived=3, lost=5)])
    left = Untrusted(picture._repr_mimebundle_()["text/html"])
    assert left.text == ""
    (image,) = left.images
    assert image["alt"] == picture.words
    kind, _, data = str(image["src"]).partition(",")
    assert kind == "data:image/png;base64"
    assert b64decode(data).startswith(b"\x89PNG")


def test_the_history_of_a_job_that_redis_does_not_have_says_so() -> None:
    lab: Any = SimpleNamespace(redis=SimpleNamespace(exists=lambda key: 0))
    bundle = look.history(lab, "another")._repr_mimebundle_()
    assert "Redis does not have this job." in bundle["text/html"]


def test_each_process_is_listed_with_its_role_whatever_the_backend() -> None:
    with closing(Lab(backend="huey")) as lab:
        listed = {row[0] for row in look.processes(lab).rows}
    assert listed == {"redis", "mail server", "web app", "worker"}


def test_each_part_of_a_table_brings_its_own_paper() -> None:
    """Each cell and the caption have a style, because a dark theme would change their colours."""
    bundle = Table(("who", "what"), [("w1", "begins")], "a caption")._repr_mimebundle_()
    styles = re.findall(r'<(?:caption|th|td)[^>]* style="([^"]+)"', bundle["text/html"])
    assert len(styles) == 5
    for style in styles:
        assert f"background:{PAPER};color:{INK}" in style
