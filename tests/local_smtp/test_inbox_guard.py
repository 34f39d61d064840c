"""Who is let in, and who is not."""

import httpx
import pytest

from local_smtp.settings import Settings
from local_smtp.sink import MailSink


@pytest.fixture
def anyone(mail_sink):
    """A client that does not know the token."""
    with httpx.Client(base_url=mail_sink.inbox, timeout=10) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    ["/", "/page.js", "/api/stats", "/api/messages", "/api/messages/1/html", "/api/events",
     "/api/faults", "/openapi.json", "/nothing", "/api/stats?token=", "/api/stats?token=wrong",
     "/?token=wrong"],
)  # fmt: skip
def test_without_the_token_nothing_is_shown(anyone, path):
    answer = anyone.get(path)
    assert answer.status_code == 401
    assert "token" in answer.text


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address(mail_sink, anyone):
    answer = anyone.get(f"/?token={mail_sink.settings.token}&x=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "./?x=1"
    assert answer.headers["referrer-policy"] == "no-referrer"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "path" not in cookie.lower()  # the browser takes the folder: right behind a proxy
    assert anyone.get("/api/stats").status_code == 200


def test_a_program_may_give_the_token_any_way(mail_sink, anyone):
    token = mail_sink.settings.token
    assert anyone.get(f"/api/stats?token={token}").status_code == 200
    assert anyone.get("/api/stats", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert anyone.get("/api/stats", headers={"Authorization": f"Basic {token}"}).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:80", "127.0.0.1.evil.test", "", "a b", "[x"]
)
def test_a_foreign_host_is_refused_even_with_the_token(http, host):
    answer = http.get("/api/stats", headers={"Host": host})
    assert answer.status_code in (400, 421)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:9999", "[::1]:80"])
def test_the_loopback_names_are_let_in(http, host):
    assert http.get("/api/stats", headers={"Host": host}).status_code == 200


def test_a_further_name_can_be_allowed(tmp_path):
    settings = Settings(dir=tmp_path, token="token-for-tests", allow_host=["lab.test"])
    with MailSink(settings) as sink:
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
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
