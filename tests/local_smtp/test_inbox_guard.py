"""Tests of the inbox's access control."""

import socket

import httpx
import pytest
from starlette.datastructures import Headers

from local_smtp.settings import Settings
from local_smtp.shared.headers import link_to_app
from local_smtp.sink import MailSink


@pytest.fixture
def anyone(mail_sink):
    with httpx.Client(base_url=mail_sink.inbox, timeout=10) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    ["/", "/static/page.js", "/api/stats", "/api/messages", "/api/messages/1/html", "/api/events",
     "/api/faults", "/openapi.json", "/nothing", "/api/stats?token=", "/api/stats?token=wrong",
     "/?token=wrong"],
)  # fmt: skip
def test_without_the_token_nothing_is_shown(anyone, path):
    answer = anyone.get(path)
    assert answer.status_code == 401
    assert "token" in answer.text


def test_a_person_without_the_token_is_asked_for_it_in_their_language_at_any_address(anyone):
    page = anyone.get("/some/where", headers={"Accept": "text/html", "Accept-Language": "ja"})
    assert page.status_code == 401
    assert '<input name="token"' in page.text
    assert 'action="../"' in page.text
    assert "トークン" in page.text
    assert anyone.get("/static/page.css").status_code == 200, "what the form looks like"


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address(mail_sink, anyone):
    answer = anyone.get(f"/?token={mail_sink.settings.token}&x=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "./?x=1"
    assert answer.headers["referrer-policy"] == "no-referrer"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "path" not in cookie.lower()  # the browser's default path is correct, also with a proxy
    assert anyone.get("/api/stats").status_code == 200


FOREIGN = ("evil.test", "evil.test:80", "127.0.0.1.evil.test", "", "a b", "[x", "[::2]", "a@b")
LOOPBACK = ("localhost", "LOCALHOST:1", "127.0.0.1:9999", "[::1]:80")


@pytest.mark.parametrize(
    ("host", "status"), [*((host, 400) for host in FOREIGN), *((host, 200) for host in LOOPBACK)]
)
def test_only_the_loopback_names_are_let_in_even_with_the_token(http, host, status):
    assert http.get("/api/stats", headers={"Host": host}).status_code == status


def test_a_further_name_can_be_allowed(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_SMTP_ALLOW_HOST", "a.test,lab.test")
    with MailSink(Settings(dir=tmp_path, token="token-for-tests")) as sink:
        headers = {"Host": "lab.test:443", "Authorization": "Bearer token-for-tests"}
        assert httpx.get(f"{sink.inbox}/api/stats", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"}, 403),
        ({"Origin": "http://localhost:1", "Host": "localhost:1"}, 200),
        ({"Origin": "http://localhost:2", "Host": "localhost:1"}, 403),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[::1"}, 403),
    ],
)
@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_another_sites_page_can_change_nothing(http, headers, status, method):
    arguments = {"json": []} if method == "PUT" else {}
    assert http.request(method, "/api/faults", headers=headers, **arguments).status_code == status


def test_every_answer_keeps_the_address_to_itself_and_is_framed_by_its_own_origin_alone(
    http, anyone
):
    for answer in (http.get("/"), http.get("/api/stats"), http.get("/none"), anyone.get("/")):
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("piece", [b"X-Long: " + b"x" * 3000 + b"\r\n", b"x" * 3000])
def test_headers_that_never_end_are_refused_and_not_kept(mail_sink, piece):
    """Without a limit, the server would buffer an unfinished header of any length."""
    port = int(mail_sink.inbox.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-First: ")
        for _ in range(11):  # the last piece exceeds the limit
            client.sendall(piece)
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_cookie_among_others_is_found(mail_sink, anyone):
    port = mail_sink.inbox.rpartition(":")[2]
    cookie = f"first=1; mail_sink_{port}={mail_sink.settings.token};last"
    assert anyone.get("/api/stats", headers={"Cookie": cookie}).status_code == 200


@pytest.mark.parametrize("in_pieces", [True, False])
def test_a_body_of_more_than_256_kb_is_refused(http, in_pieces):
    body = (b"[" + b" " * 100_000 for _ in range(4)) if in_pieces else b" " * 300_000
    answer = http.put("/api/faults", content=body)
    assert answer.status_code == 413
    assert "262144 bytes" in answer.text


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/json"]
)
def test_a_body_of_another_type_is_refused_with_the_type_that_it_needs(http, kind):
    answer = http.put("/api/faults", content=b"[]", headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]
    for kind in ("application/json", "Application/JSON; charset=utf-8"):
        answer = http.put("/api/faults", content=b"[]", headers={"Content-Type": kind})
        assert answer.status_code == 200


@pytest.mark.parametrize("url", ["http://app.test:80", "http://app.test:80/"])
def test_a_link_to_the_app_has_one_slash(url):
    assert link_to_app(Headers(), url) == "http://app.test:80/"
    assert link_to_app(Headers({"x-proxycontextpath": "/lab"}), url) == "../80/"
