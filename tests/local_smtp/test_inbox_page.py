"""The inbox as a person uses it, in a real browser."""

import http.server
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from local_smtp.fault_rules import Fault

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield browser
        browser.close()


@pytest.fixture
def page(browser, mail_sink) -> Iterator[Page]:
    """The inbox, open; whatever it complains of, or asks of others, fails the test."""
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            request.url.startswith(("data:", mail_sink.inbox)) or complaints.append(request.url)
        ),
    )
    page.goto(mail_sink.page)
    expect(page.locator("#live")).to_have_text("live")
    yield page
    context.close()
    assert complaints == []


def test_the_token_is_gone_from_the_address(page):
    assert "token" not in page.url


def test_a_mail_shows_up_the_moment_it_arrives(page, send):
    expect(page.locator("#empty")).to_contain_text("No mail yet")
    send("Fresh from the press")
    expect(page.locator("#mails .subject")).to_have_text(["Fresh from the press"])
    expect(page.locator("#stats")).to_contain_text("accepted1distinct1")
    expect(page).to_have_title("(1) Mail sink")


def test_a_mail_is_read_from_all_its_sides(page, send):
    send("Look", body="plain words", html="<h1>rich words</h1>", headers={"X-Job-Id": "7"})
    page.locator("#mails a").click()
    frame = page.frame_locator("#mail iframe")
    expect(frame.locator("h1")).to_have_text("rich words")
    for tab, content in (
        ("Text", "plain words"),
        ("Headers", "X-Job-Id"),
        ("Source", "Content-Type: multipart/alternative"),
        ("Delivery", "354 End data"),
    ):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator("#mail .view")).to_contain_text(content)
    expect(page).to_have_title("Mail sink")


def test_a_duplicate_is_counted_in_the_mail_that_is_open(page, send):
    send("Once", message_id="<1@x>")
    page.locator("#mails a").click()
    send("Once", message_id="<1@x>")
    expect(page.locator("#mail .again")).to_contain_text("1 duplicate suppressed")
    expect(page.locator("#mails .again")).to_have_text("×2")


def test_the_keyboard_is_enough(page, send):
    for subject in ("one", "two", "three"):
        send(subject)
    expect(page.locator("#mails li")).to_have_count(3)
    page.keyboard.press("j")
    expect(page.locator("#mail h1")).to_have_text("three")
    page.keyboard.press("j")
    expect(page.locator("#mail h1")).to_have_text("two")
    page.keyboard.press("k")
    expect(page.locator("#mail h1")).to_have_text("three")
    page.keyboard.press("4")
    expect(page.locator("#mail .source")).to_contain_text("Subject: three")
    page.keyboard.press("Delete")
    expect(page.locator("#mail h1")).to_have_text("two")
    expect(page.locator("#mails li")).to_have_count(2)
    page.keyboard.press("u")
    expect(page.locator("#mails .unread")).to_have_count(2)
    page.keyboard.press("/")
    page.keyboard.type("one")
    expect(page.locator("#mails .subject")).to_have_text(["one"])
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_delete_all_asks_first(page, send):
    send()
    expect(page.locator("#mails li")).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.locator("#delete-all").click()
    expect(page.locator("#mails li")).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#delete-all").click()
    expect(page.locator("#empty")).to_contain_text("No mail yet")


def test_older_mails_are_a_click_away(page, smtp):
    for number in range(60):
        smtp.sendmail("a@x.test", ["b@x.test"], f"Subject: {number}\r\n\r\n".encode())
    expect(page.locator("#summary")).to_have_text("60 mails")
    page.reload()
    expect(page.locator("#mails li")).to_have_count(50)
    page.locator("#older").click()
    expect(page.locator("#mails li")).to_have_count(60)


def test_a_rule_is_made_on_the_page_and_its_hit_is_seen(page, mail_sink, send):
    page.get_by_role("link", name="Faults").click()
    page.get_by_label("What").select_option("drop_reply")
    page.get_by_label("Times at most").fill("1")
    page.get_by_role("button", name="Add rule").click()
    expect(page.locator(".rules")).to_contain_text("store it, then drop the reply")
    assert mail_sink.faults.in_force()[0].do == "drop_reply"
    with pytest.raises(Exception, match="closed"):
        send("Ambiguous")
    expect(page.locator(".rules .hits")).to_have_text("1 hit")
    page.get_by_role("link", name="Activity").click()
    page.get_by_role("link", name="stored all the same").click()
    expect(page.locator("#mail h1")).to_have_text("Ambiguous")
    page.get_by_role("tab", name="Delivery").click()
    expect(page.locator("#mail .view")).to_contain_text("no reply went out")
    page.get_by_role("link", name="Faults").click()
    page.get_by_role("button", name="Remove rule 1").click()
    expect(page.locator(".rules")).to_contain_text("No rules")


def test_a_rule_that_makes_no_sense_is_explained(page):
    page.get_by_role("link", name="Faults").click()
    page.get_by_label("Text", exact=True).evaluate("field => field.value = 'two\\u0001words'")
    page.get_by_role("button", name="Add rule").click()
    expect(page.locator(".rule-form .error")).to_contain_text("text")


def test_a_refusal_is_seen_with_its_dialogue(page, mail_sink, send):
    mail_sink.faults.put([Fault(at="rcpt", do="answer", code=550, text="no such user")])
    with pytest.raises(Exception, match="no such user"):
        send()
    page.get_by_role("link", name="Activity").click()
    page.locator("#activity summary").click()
    expect(page.locator("#activity .dialogue")).to_contain_text("550 no such user")


def test_it_fits_a_phone(page, send):
    page.set_viewport_size({"width": 360, "height": 640})
    send("A subject that is much longer than any phone is wide, and goes on and on", html="<p>x")
    page.locator("#mails a").click()
    expect(page.locator("#mail h1")).to_be_visible()
    expect(page.locator("#mails")).to_be_hidden()
    for address in ("#/mail/1", "#/faults", "#/activity", "#/"):
        page.evaluate(f"location.hash = '{address}'")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, address
    expect(page.locator("#mails")).to_be_visible()


def test_it_comes_back_when_the_sink_does(browser, start_sink, tmp_path):
    sink = start_sink("--dir", str(tmp_path))
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{sink.inbox}/?token={sink.token}")
    expect(page.locator("#live")).to_have_text("live")
    sink.kill()
    expect(page.locator("#live")).to_have_text("reconnecting")
    again = start_sink(
        "--dir", str(tmp_path), "--token", sink.token,
        "--smtp-port", sink.smtp.rpartition(":")[2], "--inbox-port", sink.inbox.rpartition(":")[2],
    )  # fmt: skip
    with again.client() as client:
        client.sendmail("a@x.test", ["b@x.test"], b"Subject: after the kill\r\n\r\n")
    expect(page.locator("#mails .subject")).to_have_text(["after the kill"], timeout=15_000)
    context.close()


class Proxy(http.server.BaseHTTPRequestHandler):
    """Serves the inbox below /lab/proxy/8025/, as jupyter-server-proxy does."""

    prefix = "/lab/proxy/8025"
    inbox = ""

    def do_GET(self) -> None:
        if not self.path.startswith(f"{self.prefix}/"):
            self.send_error(404)
            return
        request = urllib.request.Request(
            self.inbox + self.path.removeprefix(self.prefix),
            data=self.rfile.read(int(self.headers.get("Content-Length", 0))) or None,
            headers=dict(self.headers),
            method=self.command,
        )
        opener = urllib.request.build_opener(NoRedirect)
        try:
            answer = opener.open(request, timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in ("transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.end_headers()
            try:
                while piece := answer.read1(65536):
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:  # the page is gone, or the stream has ended
                pass

    do_PUT = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        pass


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def test_it_works_below_a_path_and_in_a_frame_of_its_own_origin(browser, mail_sink, send):
    handler = type("BoundProxy", (Proxy,), {"inbox": mail_sink.inbox})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    origin = f"http://localhost:{server.server_address[1]}"
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{origin}{Proxy.prefix}/?token={mail_sink.settings.token}")
    assert page.url == f"{origin}{Proxy.prefix}/"
    (cookie,) = context.cookies()
    assert cookie["path"] in (Proxy.prefix, f"{Proxy.prefix}/")
    send("Through the proxy", html="<p>framed")
    page.locator("#mails a").click()
    expect(page.frame_locator("#mail iframe").locator("p")).to_have_text("framed")
    page.locator("[data-do=delete]").click()
    expect(page.locator("#empty")).to_contain_text("No mail yet")
    page.goto(f"{origin}/lab")  # a page of the same origin, as a notebook is
    page.evaluate(
        "address => { const frame = document.createElement('iframe'); frame.src = address;"
        " document.body.append(frame); }",
        f"{Proxy.prefix}/",
    )
    expect(page.frame_locator("iframe").locator("#live")).to_have_text("live")
    context.close()
    server.shutdown()
    server.server_close()


def test_no_other_origin_may_frame_it(browser, mail_sink):
    context = browser.new_context()
    page = context.new_page()
    page.goto(mail_sink.page)
    page.goto(mail_sink.inbox.replace("127.0.0.1", "localhost") + "/")
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    with page.expect_console_message(lambda message: "frame" in message.text.lower()):
        page.set_content(f"<iframe src='{mail_sink.inbox}/'></iframe>", wait_until="commit")
    context.close()
    assert any("frame-ancestors" in text or "frame-src" in text for text in refused)
