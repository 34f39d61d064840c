"""Tests that hostile names and bodies are shown as text in every output of a notebook."""

import re
from xml.etree import ElementTree

import pytest
from support import HOSTILE, message

from demo_app.broker.queue import Queue
from lab import Lab
from lab.show import Picture, Table
from local_smtp.shared.escape import escape_invisible

#: Characters that a reader cannot see, or that change what a reader sees.
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
TAGS = {"table", "caption", "tr", "th", "td", "figure", "div", "span", "mark"}

pytestmark = pytest.mark.parametrize("evil", HOSTILE.values(), ids=HOSTILE)


def shown(output: Table | Picture) -> str:
    """Return the visible text of the HTML.

    Fail if the HTML or the plain text has a character of `UNSEEN`, or if the HTML has a comment, an
    event handler, or a tag that is not in `TAGS`.
    """
    bundle = output._repr_mimebundle_()
    assert not UNSEEN.search(bundle["text/html"])
    assert not UNSEEN.search(bundle["text/plain"])
    why = "a comment or CDATA, which HTML and XML read differently"
    assert "<!" not in bundle["text/html"], why
    parts = [*(page := ElementTree.fromstring(bundle["text/html"])).iter()]
    assert {part.tag for part in parts} <= TAGS
    assert not [name for part in parts for name in part.attrib if name.startswith("on")]
    return "".join(page.itertext())


def test_in_a_table(evil: str) -> None:
    for code in (False, True):
        text = shown(Table((evil, "b"), [(evil, evil)], evil, code=code))
        assert text.count(escape_invisible(evil)) == 4


def test_as_the_name_of_a_job_that_waits(lab: Lab, evil: str) -> None:
    store = Queue(lab.redis)
    store.enqueue(message(hash(evil), queue="nobody", arguments={"name": evil}), by="test")
    assert lab.waiting("nobody")[-1] == evil
    assert not UNSEEN.search(repr(lab.waiting("nobody")))
    text = shown(lab.queue_picture())
    assert escape_invisible(evil[:5]) in text
    lab.redis.delete("queue:nobody")
