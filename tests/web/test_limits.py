"""What a stranger may cost: headers, cookies, slow and many clients, what a page shows."""

from __future__ import annotations

import asyncio
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from starlette.responses import Response
from support import most_thorough, or_none, patience, until

from demo_app.stack import Stack, ports
from demo_app.stack.client import Client
from demo_app.web.journal import LISTENERS
from local_smtp.web.guard import Guard

COMMENT = {"author": "Reader", "email": "reader@example.test", "body": "Well said."}
TOKEN = "0123456789abcdef"


@pytest.mark.parametrize("backslashes", ["\\" * 15_000, '\\"' * 7_500])
def test_a_cookie_of_backslashes_costs_nothing(
    stack: Stack, reader: httpx.Client, backslashes: str
) -> None:
    web = psutil.Process(stack.ready["pids"]["web"][0])
    before = web.cpu_times().user
    for _ in range(4):
        assert reader.get("/", headers={"cookie": f'x="{backslashes}"; lang=ja'}).is_success
    assert web.cpu_times().user - before < 0.6


def test_a_form_of_more_than_a_hundred_fields_is_refused(reader: httpx.Client) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    statuses = [
        reader.post("/posts/1", content="a&" * many, headers=kind).status_code for many in (90, 110)
    ]
    assert statuses == [422, 413]
    assert [reader.get(f"/?{'a&' * many}").status_code for many in (90, 110)] == [200, 413]


def test_a_form_of_percent_signs_is_refused_and_a_comment_of_long_characters_is_not(
    reader: httpx.Client,
) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    long = {**COMMENT, "body": "\U0001f642" * 10_000}
    assert reader.post("/posts/2", content="a=" + "%" * 50_000, headers=kind).status_code == 413
    assert reader.post("/posts/2", data=long).status_code == 303


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/jobs", 401)])
def test_requests_begin_one_by_one_and_all_else_has_its_turn_between_them(
    path: str, status: int
) -> None:
    rounds, begun, said = 0, list[int](), set[int]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        begun.append(rounds)
        await Response()(scope, receive, send)

    class Slow(Guard):
        def needs_token(self, path: str) -> bool:
            return path == "/jobs"

        def refuse(self, scope: Any, status: int) -> Response:
            begun.append(rounds)
            return super().refuse(scope, status)

    async def send(message: Any) -> None:
        said.add(message.get("status", status))

    def another_round() -> None:
        nonlocal rounds
        rounds += 1
        asyncio.get_running_loop().call_soon(another_round)

    async def ask_all() -> None:
        guard: Any = Slow(app, "a token", ["blog.test"], "cookie")
        another_round()
        asked = {"type": "http", "method": "GET", "path": path, "query_string": b"",
                 "headers": [(b"host", b"blog.test")]}  # fmt: skip
        scopes = ({**asked, "client": (f"192.0.2.{n}", 1)} for n in range(9))
        await asyncio.gather(*(guard(scope, asyncio.sleep, send) for scope in scopes))

    asyncio.run(ask_all())
    assert said == {status}
    assert len(set(begun)) == len(begun) == 9


def test_an_address_of_slashes_makes_no_page_of_dots(reader: httpx.Client) -> None:
    assert len(reader.get("/x" + "/" * 15_000).content) < 20_000


def test_a_page_of_invisible_signs_is_no_larger_than_another(client: Client, holder) -> None:
    for _ in range(60):
        newest = client.comment(2, body="\u202e" * 10_000)["comment_id"]
    answer = holder.get("/posts/2")
    assert answer.is_success
    assert len(answer.content) < 1_500_000
    assert "Older comments are not shown" in answer.text
    assert f'id="comment-{newest}"' in answer.text


@pytest.mark.parametrize(("proxies", "believed"), [("", False), ("127.0.0.1", True)])
def test_whom_a_comment_is_from_is_believed_of_a_named_proxy_only_or_with_the_token(
    tmp_path: Path, proxies: str, believed: bool
) -> None:
    slow = {"DEMO_COMMENT_BURST": "2", "DEMO_COMMENTS_PER_SECOND": "0.001"}
    with web_app(tmp_path, DEMO_PROXIES=proxies, **slow) as (url, _):
        codes = [
            httpx.post(
                f"{url}/api/posts/1/comments",
                json=COMMENT,
                headers={"x-forwarded-for": f"192.0.2.{number}"},
            ).status_code
            for number in range(4)
        ]
        holder = {"authorization": f"Bearer {TOKEN}"}
        assert httpx.post(f"{url}/api/posts/1/comments", json=COMMENT, headers=holder).is_success
    assert codes == ([201] * 4 if believed else [201, 201, 429, 429])


def test_a_mail_goes_before_those_of_an_address_that_sends_many() -> None:
    with Stack(workers=0) as stack, Client(stack.ready) as client, ExitStack() as held:

        def phone(number: int) -> httpx.Client:
            here = httpx.HTTPTransport(local_address=f"127.0.0.{number}")
            return held.enter_context(httpx.Client(base_url=stack.ready["web"], transport=here))

        def job_of(one: httpx.Client) -> str:
            return str(one.post("/api/posts/1/comments", json=COMMENT).json()["job_id"])

        many, other = phone(2), phone(3)
        *_, last = [job_of(many) for _ in range(120)]
        mine = job_of(other)
        client.wait_for(lambda now: bool(now["queued"] == 121))
        order = [job["id"] for job in client.jobs("queued")["jobs"]]
        assert order.index(mine) < order.index(last) == 120


def test_an_address_that_asks_for_much_keeps_no_other_waiting(tmp_path: Path) -> None:
    """Its comments wait for a mail server that says nothing, and would take all threads."""
    silent = socket.create_server(("127.0.0.1", 0))
    settings = {
        "DEMO_BACKEND": "inline",
        "DEMO_SMTP_URL": f"smtp://127.0.0.1:{silent.getsockname()[1]}",
        "DEMO_SMTP_SECONDS": "1000",
        "DEMO_PROXIES": "127.0.0.1",
    }
    body = b"author=a&email=a%40example.test&body=x"
    head = (
        "POST /posts/1 HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with web_app(tmp_path, **settings) as (url, _), ExitStack() as held:
        held.callback(silent.close)
        for _ in range(60):
            held.enter_context(_client(url, head.encode() + body))
        held.enter_context(silent.accept()[0])
        assert httpx.get(f"{url}/posts/1", timeout=patience(5)).is_success


@contextmanager
def web_app(folder: Path, **settings: str) -> Iterator[tuple[str, psutil.Process]]:
    """The web app alone, which may have 1,024 open files and no more."""
    port = ports.take(0, "web app")
    environment = {
        "DEMO_BACKEND": "memory",
        "DEMO_DIR": str(folder),
        "DEMO_TOKEN": TOKEN,
        "DEMO_WEB_PORT": str(port),
        **settings,
    }
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024));"
        "from demo_app.web.__main__ import make_app, serve; serve(make_app)"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: or_none(lambda: httpx.get(f"{url}/posts/1", timeout=5)), what="the web app")
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(patience(10))
        ports.release(port)


@pytest.fixture
def _many_files() -> Iterator[None]:
    """This process may have enough of them for its 1,100 clients."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3000:
        pytest.skip("this process may not open enough files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


#: What has no answer yet, or one that nobody reads; more of it: see the mail sink's bounds.
BEGUN = {
    "half a body": b"POST /api/posts/1/comments HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 250000\r\n\r\n" + b" " * 200_000,
    "no reading": b"GET /static/vendor/idiomorph.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 4,
}


@pytest.mark.usefixtures("_many_files")
@pytest.mark.parametrize("begun", most_thorough(BEGUN, "half a body"))
def test_1100_slow_clients_shut_no_reader_out(tmp_path: Path, begun: str) -> None:
    with web_app(tmp_path) as (url, process):
        memory = process.memory_info().rss
        slow = [_client(url, BEGUN[begun]) for _ in range(1100)]
        for _ in range(5):
            assert httpx.get(f"{url}/posts/1", timeout=patience(15)).is_success
            answer = httpx.post(f"{url}/api/posts/1/comments", json=COMMENT, timeout=patience(15))
            assert answer.status_code == 201
        assert process.memory_info().rss - memory < 100e6
        for client in slow:
            client.close()


def test_who_goes_away_while_requests_wait_for_their_answers_is_no_error(tmp_path: Path) -> None:
    with web_app(tmp_path) as (url, _):
        for _ in range(30):
            with _client(url, b"GET /posts/1 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 9) as client:
                client.setblocking(True)
                client.recv(1)
        assert httpx.get(f"{url}/posts/1", timeout=patience(15)).is_success
    assert "Traceback" not in (tmp_path / "log").read_text()


def _client(url: str, begun: bytes) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    client = socket.create_connection((host, int(port)), timeout=20)
    client.setblocking(False)
    with suppress(BlockingIOError, ConnectionError):
        client.send(begun)
    return client


def test_so_many_may_listen_and_the_next_is_told_so(client: Client, holder) -> None:
    with ExitStack() as held:
        streams = [held.enter_context(_listening(holder)) for _ in range(LISTENERS)]
        assert holder.get("/api/events").status_code == 503
        job = client.comment()["job_id"]
        for lines in streams:
            assert any(f'"job": "{job}", "event": "done"' in line for line in lines)
    until(lambda: _is_told(holder), what="a place")


def _is_told(holder: httpx.Client) -> bool:
    with holder.stream("GET", "/api/events") as answer:
        return answer.is_success


def test_a_listener_goes_on_after_the_last_event_that_it_has_seen(client: Client, holder) -> None:
    with _listening(holder) as lines:
        first = client.comment()["job_id"]
        seen = next(line for line in lines if line.startswith("id: "))
    second = client.comment()["job_id"]
    with _listening(holder, **{"last-event-id": seen.removeprefix("id: ")}) as lines:
        told = ""
        while not all(f'"job": "{job}", "event": "done"' in told for job in (first, second)):
            told += next(lines)
    assert told.count(f'"job": "{second}", "event": "claimed"') == 1
    assert seen not in told


@contextmanager
def _listening(holder: httpx.Client, **headers: str) -> Iterator[Iterator[str]]:
    """The lines of the events, from a moment at which nothing is missed any more."""
    headers = {**holder.headers, **headers}
    with httpx.stream("GET", f"{holder.base_url}/api/events", headers=headers, timeout=60) as told:
        lines = told.iter_lines()
        assert next(line for line in lines if line == "event: tick")
        yield lines
