"""A reader whose answer was lost posts again: it is one comment, and one mail."""

from __future__ import annotations

import re

import httpx

COMMENT = {"author": "Aoi", "email": "aoi@example.test", "body": "Did you get this?"}


def test_a_form_that_is_sent_twice_makes_one_comment(reader: httpx.Client) -> None:
    page = reader.get("/posts/2").text
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    sent = [reader.post("/posts/2", data={**COMMENT, "key": key[1]}) for _ in range(2)]
    assert {answer.status_code for answer in sent} == {303}
    assert sent[0].headers["location"] == sent[1].headers["location"]
    assert reader.get("/posts/2").text.count("Did you get this?") == 1
    assert key[1] not in reader.get("/posts/2").text, "each page has a key of its own"
