"""Tests of access control, of the pages' Content-Security-Policy, and of errors on the pages."""

import logging
import re
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI
from markupsafe import escape
from support import COMMENT, HOSTILE, ask_app, until

from demo_app.broker.web.errors import add_handlers
from demo_app.broker.web.static_files import serve_files
from demo_app.broker.web.templates import Pages
from demo_app.stack import Stack
from demo_app.stack.client import Client
from demo_app.web.rate_limit import RateLimit
from demo_app.web.security import COOKIE, GUARDED, BlogGuard
from demo_app.web.serve import Lines

WRITES = ("/api/posts/1/comments", "/jobs/decide", "/stage/do/comment", "/api/jobs/x/retry")


@pytest.mark.parametrize("path", WRITES)
def test_a_write_from_another_site_or_to_another_host_is_refused(
    holder: httpx.Client, path: str
) -> None:
    """The blog and the mail sink use the same guard. The sink's tests have more cases."""
    for headers, status in (({"sec-fetch-site": "cross-site"}, 403), ({"host": "a.test"}, 400)):
        assert holder.post(path, json=COMMENT, headers=headers).status_code == status


def test_another_site_may_link_to_a_page_and_not_fetch_it(holder: httpx.Client) -> None:
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert holder.get("/jobs", headers={**elsewhere, "sec-fetch-dest": "document"}).is_success
    assert holder.get("/jobs", headers={**elsewhere, "sec-fetch-dest": "image"}).status_code == 403


@pytest.mark.parametrize("path", GUARDED)
def test_without_the_token_nothing_but_the_blog_opens(reader: httpx.Client, path: str) -> None:
    assert reader.get(path).status_code == 401
    assert reader.get(path, headers={"authorization": "Bearer wrong"}).status_code == 401
    assert reader.get(path, params={"token": "wrong"}).status_code == 401
    assert reader.get(path, headers={"cookie": "demo_token=wrong"}).status_code == 401


def test_the_token_leaves_the_address_for_a_cookie(stack: Stack, reader: httpx.Client) -> None:
    token = stack.ready["token"]
    answer = reader.get("/jobs/queued", params={"token": token, "q": "x&y"})
    assert answer.headers["location"] == "./queued?q=x%26y"
    assert SimpleCookie(answer.headers["set-cookie"])["demo_token"]["path"] == "/"
    assert token not in answer.headers["location"] + answer.text
    reader.cookies.set("demo_token", token)
    assert reader.get("/jobs/queued").status_code == 200


@pytest.mark.parametrize(
    "path", ["/https:elsewhere.test", "/x/https:elsewhere.test", "/jobs/job/a%3Fb"]
)
def test_the_token_in_an_address_leads_to_no_other_page(stack, reader, path: str) -> None:
    token = stack.ready["token"]
    target = reader.get(path, params={"token": token}).headers["location"]
    assert urljoin(f"{stack.ready['web']}{path}", target) == f"{stack.ready['web']}{path}"


@pytest.mark.parametrize("path", ["/posts/abc", "/posts/-1", "/posts/99999", "/nothing"])
def test_a_wrong_address_shows_a_plain_sentence(reader, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_a_cookie_over_https_stays_on_https() -> None:
    async def never(scope, receive, send):
        raise AssertionError("the guard answers this itself")

    guard = BlogGuard(never, "secret", COOKIE)
    [answer] = ask_app(guard, "https://localhost/jobs?token=secret")
    assert "Secure" in answer.headers["set-cookie"]


PAGES = ("/", "/posts/1", "/jobs", "/jobs/queued", "/jobs/dead", "/stage", "/nothing")


@pytest.mark.parametrize("path", PAGES)
def test_pages_forbid_inline_code_and_use_relative_links(holder: httpx.Client, path: str) -> None:
    """Check the Content-Security-Policy header and the links of each page. The tests in `browser`
    check that the pages work under this policy."""
    answer = holder.get(path)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    links = re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
    assert links
    assert [link for link in links if link.startswith(("/", "http", "//"))] == []


def test_behind_jupyters_proxy_blog_and_inbox_lead_to_each_other(stack, client, holder) -> None:
    proxied = {"x-proxycontextpath": "/user/somebody/proxy/8000"}
    blog, inbox = (stack.ready[name].rpartition(":")[2] for name in ("web", "inbox"))
    answer = holder.get("/inbox", headers=proxied)
    assert answer.headers["location"] == f"../{inbox}/?token={stack.ready['token']}"
    assert f'href="../{blog}/"' in client.inbox.get("/", headers=proxied).text


def test_the_link_of_a_job_opens_its_mail_in_the_inbox(client: Client, holder) -> None:
    job = client.comment()["job_id"]
    client.comment()
    until(client.at_rest, what="the mails")
    location = holder.get("/inbox", params={"job": job}).headers["location"]
    number = int(location.rpartition("&mail=")[2])
    assert client.inbox.get(f"/api/messages/{number}").json()["job_id"] == job
    assert "mail=" not in holder.get("/inbox", params={"job": "unknown"}).headers["location"]


def test_an_error_is_in_the_reader_s_language_and_for_a_program_in_english(reader) -> None:
    japanese = {"accept-language": "ja"}
    form = {"author": " ", "email": "a@example.test", "body": "x"}
    assert "お名前が空です" in reader.post("/posts/1", data=form, headers=japanese).text
    assert "起動時のトークンが必要です" in reader.get("/jobs", headers=japanese).text
    output = reader.post("/api/posts/1/comments", json=form, headers=japanese).json()
    assert output["detail"].startswith("Please enter your name")


@pytest.mark.parametrize(("field", "value"), [("author", " "), ("email", "nobody"), ("body", " ")])
def test_the_field_that_is_wrong_is_marked_and_has_the_cursor(
    reader, field: str, value: str
) -> None:
    page = reader.post("/posts/1", data={**COMMENT, field: value}).text
    assert page.count('aria-invalid="true" aria-describedby="problem" autofocus') == 1
    assert re.search(rf'name="{field}" aria-invalid', page)


def test_an_address_that_floods_is_slowed_down_and_others_are_not() -> None:
    now = [0.0]
    limit = RateLimit(burst=2, per_second=0.5, clock=lambda: now[0])
    assert [limit.allows("a") for _ in range(3)] == [True, True, False]
    assert limit.allows("b")
    now[0] = 2.0
    assert [limit.allows("a") for _ in range(2)] == [True, False]


def test_an_unexpected_error_shows_a_reader_no_traceback() -> None:
    async def broken(request):
        raise RuntimeError("secret detail")

    app = FastAPI()
    app.state.pages = Pages("demo_app.web")
    app.add_route("/", broken)
    add_handlers(app)
    [answer] = ask_app(app, "http://localhost/")
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.text
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_files_that_a_finder_or_an_editor_leaves_are_not_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "static").mkdir()
    for name in (".DS_Store", ".page.css.swp", "page.css"):
        (tmp_path / "static" / name).touch()
    monkeypatch.setattr("demo_app.broker.web.static_files.files", lambda _: tmp_path)
    serve_files(app := FastAPI(openapi_url=None), "any")
    assert [route.path for route in app.routes if "static" in route.path] == ["/static/page.css"]


def test_a_hostile_name_shows_as_text_everywhere(client: Client, holder) -> None:
    names = [name[:200] for name in HOSTILE.values()]
    before = client.mail_stats()["distinct"]
    jobs = [client.comment(2, author=name, body=f"{name}\n{name}")["job_id"] for name in names]
    client.wait_for_mails(before + len(jobs))
    paths = (path for job in jobs for path in (f"/posts/2?posted={job}", f"/jobs/job/{job}"))
    pages = [holder.get(path).text for path in ("/posts/2", *paths)]
    for page in pages:
        assert "<script>" not in page
        assert "<img" not in page
        assert not re.search("[\x00-\x08\x0e-\x1f\u202a-\u202e]", page)
    assert all(str(escape(name)) in pages[0] for name in names if name.isprintable())
    assert "⟨U+202E⟩" in pages[0]


def test_no_sign_of_an_address_moves_the_terminal_that_shows_the_log() -> None:
    record = logging.makeLogRecord({"msg": "no %s", "args": ("/\x9b31m\u202e写真",)})
    assert Lines().format(record) == "no /⟨U+009B⟩31m⟨U+202E⟩写真"


def test_a_form_with_bytes_beyond_ascii_is_refused_in_plain_words(reader: httpx.Client) -> None:
    """No browser sends such a form, and decoding it would block the other readers."""
    kind = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    raw = "author=Zoë&email=zoe@example.test&body=Hi".encode()
    refused = reader.post("/posts/1", content=raw, headers=kind)
    assert refused.status_code == 400
    assert "percent-encoded" in refused.text
    encoded = raw.replace("ë".encode(), b"%C3%AB")
    assert reader.post("/posts/1", content=encoded, headers=kind).status_code == 303
    assert "Zoë" in reader.get("/posts/1").text


def test_a_form_that_is_sent_twice_makes_one_comment(reader: httpx.Client) -> None:
    key = re.search(r'name="key" value="([^"]+)"', reader.get("/posts/3").text)
    assert key is not None
    form = {**COMMENT, "body": "Did you get this?", "key": key[1]}
    sent = [reader.post("/posts/3", data=form) for _ in range(2)]
    assert {answer.status_code for answer in sent} == {303}
    assert sent[0].headers["location"] == sent[1].headers["location"]
    page = reader.get("/posts/3").text
    assert page.count("Did you get this?") == 1
    assert key[1] not in page, "each page has a key of its own"
