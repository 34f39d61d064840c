"""Tests of the inbox's pages in a real browser."""

import re
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def page(chromium, mail_sink) -> Iterator[Page]:
    """Return the open inbox. A JavaScript error or a request to another host fails the test."""
    context = chromium.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    own = ("data:", mail_sink.inbox)
    page.on("request", lambda one: one.url.startswith(own) or errors.append(one.url))
    page.goto(mail_sink.page)
    expect(page.locator("#live")).to_have_text("live")
    yield page
    context.close()
    assert errors == []


def test_a_mail_shows_up_the_moment_it_arrives(page, send):
    expect(page.locator("#mails")).to_contain_text("No mail yet")
    expect(page.get_by_text("To the app")).to_have_count(0)  # there is no app
    send("Fresh from the press")
    expect(page.locator("#mails .subject")).to_have_text(["Fresh from the press"])
    expect(page.locator("#stats")).to_contain_text(re.compile(r"accepted\s*1\s*distinct\s*1"))


def test_a_mail_is_read_from_all_its_sides(page, send):
    send(
        "Look", body="plain words", html='<h1>rich words</h1><a href="http://x.test/?1">x</a>',
        headers={"X-Job-Id": "7"},
    )  # fmt: skip
    page.locator("#mails a").click()
    expect(page.locator("h1")).to_have_text("Look")
    frame = page.frame_locator("iframe")
    expect(frame.locator("h1")).to_have_text("rich words")
    expect(page.locator("main li a")).to_have_attribute("href", "http://x.test/?1")
    for tab, content in (
        ("Text", "plain words"),
        ("Headers", "X-Job-Id"),
        ("Source", "Content-Type: multipart/alternative"),
        ("Deliveries", "354 End data"),
    ):
        page.get_by_role("link", name=tab, exact=True).click()
        expect(page.locator("#view")).to_contain_text(content)


def test_delete_all_asks_first(page, send):
    send()
    expect(page.locator("#mails li")).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete all").click()
    expect(page.locator("#mails li")).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete all").click()
    expect(page.locator("#mails")).to_contain_text("No mail yet")


def test_older_mails_are_a_click_away(page, smtp):
    for number in range(60):
        smtp.sendmail("a@x.test", ["b@x.test"], f"Subject: {number}\r\n\r\n".encode())
    expect(page.locator("#mails .hint").first).to_have_text("60 mails")
    expect(page.locator("#mails li")).to_have_count(50)
    page.get_by_role("link", name="Older mails").click()
    expect(page.locator("#mails li")).to_have_count(10)


def test_a_rule_is_made_on_the_page_and_its_hit_is_seen(page, mail_sink, send):
    page.get_by_role("link", name="Faults").click()
    page.get_by_label("When").select_option("reply")
    page.get_by_label("What").select_option("drop_reply")
    page.get_by_label("Times at most").fill("1")
    page.get_by_label("Subject").fill("Amb*")
    page.get_by_role("button", name="Add rule").click()
    expect(page.locator("#rules")).to_contain_text("store it, then drop the reply")
    expect(page.locator("#rules")).to_contain_text("subject Amb*, at most 1 times")
    expect(page.locator(".count")).to_have_text("1")
    (rule,) = mail_sink.faults.in_force()
    assert (rule.do, rule.match.subject, rule.times) == ("drop_reply", "Amb*", 1)
    with pytest.raises(Exception, match="closed"):
        send("Ambiguous")
    expect(page.locator("#rules .hits")).to_have_text("1 hit")
    page.get_by_role("button", name="Remove rule 1").click()
    expect(page.locator("#rules")).to_contain_text("No rules")
    page.get_by_role("link", name="Inbox").click()
    page.locator("#mails a").click()
    page.get_by_role("link", name="Deliveries").click()
    expect(page.locator("#view")).to_contain_text("no reply was sent")
    expect(page.locator("#view pre")).to_contain_text("# rule 1, at reply: store it, then drop")


def test_a_rule_that_makes_no_sense_is_explained(page):
    page.get_by_role("link", name="Faults").click()
    page.get_by_label("What").select_option("lose")
    page.get_by_role("button", name="Add rule").click()
    expect(page.locator("#error")).to_have_text(re.compile('^Value error, "lose" applies'))
    page.get_by_label("What").select_option("close")
    page.get_by_label("Only the nth").fill("0")
    page.get_by_role("button", name="Add rule").click()
    expect(page.locator("#error")).to_have_text(re.compile("^match nth: Input should be greater"))


#: A JavaScript expression: the texts that the browser cuts off, because they are too long.
CUT = """[...document.querySelectorAll("main span")].filter((one) =>
  one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== "visible"
).map((one) => one.textContent)"""


def test_it_fits_a_phone(page, send):
    page.set_viewport_size({"width": 360, "height": 640})
    send("A subject that is much longer than any phone is wide, and goes on and on", html="<p>x")
    page.locator("#mails a").click()
    expect(page.locator("h1")).to_be_visible()
    for address in (page.url, "faults", "./"):
        page.goto(urljoin(page.url, address))
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, address
        assert page.evaluate(CUT) == [], address


def test_it_comes_back_when_the_sink_does(chromium, start_sink, tmp_path):
    sink = start_sink("--dir", str(tmp_path))
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{sink.inbox}/?token={sink.token}")
    expect(page.locator("#live")).to_have_text("live")
    sink.kill()
    expect(page.locator("#live")).to_have_text("reconnecting")
    with start_sink(*sink.options()).client() as client:
        client.sendmail("a@x.test", ["b@x.test"], b"Subject: after the kill\r\n\r\n")
    expect(page.locator("#mails .subject")).to_have_text(["after the kill"])
    context.close()


def test_a_page_listens_again_after_a_proxy_has_answered_for_the_sink(page):
    page.route("**/api/events", lambda route: route.fulfill(status=502), times=1)
    page.reload()
    expect(page.locator("#live")).to_have_text("reconnecting")
    expect(page.locator("#live")).to_have_text("live", timeout=60_000)
