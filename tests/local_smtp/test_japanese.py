"""Tests of the inbox's pages in Japanese."""

import re
from importlib.resources import files

import httpx
import pytest

from local_smtp.fault_rules import EFFECTS, Fault, Match
from local_smtp.parts import TOO_MANY as TOO_MANY_PARTS
from local_smtp.shared.language import translations
from local_smtp.sink import MailSink
from local_smtp.web.app import WHY
from local_smtp.web.inbox import BROKEN

RULE = Fault(
    at="reply", do="drop_reply", match=Match(to="a*", nth=2, every=3), probability=0.5, times=4
)


def read(sink: MailSink, path: str = "/", **more: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {sink.settings.token}", "Accept-Language": "ja"}
    return httpx.get(sink.inbox + path, headers=headers | {"Accept": "text/html"} | more)


def test_every_text_of_the_pages_has_its_japanese_one() -> None:
    pages = files("local_smtp.web") / "page"
    texts = {
        text
        for page in pages.iterdir()
        if page.name.endswith(".html")
        for text in re.findall(r'\b_\("([^"]+)"\)', page.read_text("utf-8"))
    }
    texts |= {why for status, why in WHY.items() if status != 401}  # for 401, the page shows a form
    texts |= {BROKEN, TOO_MANY_PARTS, *(effect.words for effect in EFFECTS.values())}
    missing = texts - translations("ja", "local_smtp.web").keys()
    assert not missing, "write into local_smtp/web/japanese.json"


def test_the_effect_and_the_mails_of_a_rule_are_shown_in_japanese(mail_sink) -> None:
    mail_sink.faults.put([RULE])
    page = read(mail_sink, "/faults").text
    assert "ルール 1（reply のとき）: 保存するが、返事をしない" in page
    assert "宛先 a*, 2 番目だけ, 3 件に 1 件, 確率 0.5, 最大 4 回" in page


def test_a_mail_has_its_date_as_it_is_written_in_japan(send, mail_sink) -> None:
    send("One")
    assert re.search(r"<time>\d\d/\d\d \d\d:\d\d:\d\d</time>", read(mail_sink).text)


#: Errors: the path, the request's headers, the status, and a text of the page.
WRONG = (
    ("/?mail=99", {}, 404, "そのようなメール"),
    ("/nothing/here", {}, 404, "このアドレスには何もありません"),
    ("/?mail=x", {}, 422, "アドレスの形が正しくありません"),
    ("/faults", {"Sec-Fetch-Site": "cross-site"}, 403, "他のサイトのページ"),
)


@pytest.mark.parametrize(("path", "headers", "status", "words"), WRONG)
def test_an_error_is_a_page_in_the_readers_language(mail_sink, path, headers, status, words):
    page = read(mail_sink, path, **headers)
    assert (page.status_code, words in page.text) == (status, True)
    assert '<html lang="ja"' in page.text
    program = read(mail_sink, path, **headers, Accept="*/*")
    assert program.status_code == status
    assert "<html" not in program.text
