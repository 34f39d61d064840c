"""A class on phones, five of them with bad will: what another reader and the stage notice of it."""

from __future__ import annotations

import random
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from io import BytesIO
from itertools import pairwise
from statistics import median
from urllib.parse import urlsplit

import httpx
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.frames import RECORD, SECONDS
from benchmarks.table import Table
from demo_app.stack import Stack
from demo_app.stack.client import Client

READERS, BAD = 40, 5
#: Connections that each of the bad ones holds open; each sends a byte a second of its body.
CONNECTIONS = 100
_SLOW = (
    b"POST /api/posts/1/comments HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nContent-Length: 200000\r\n\r\n"
)
_COMMENT = {"author": "Reader", "email": "reader@example.test", "body": "Well said."}


def run() -> list[Table]:
    """One table: a reader's page and mail and the stage's frames, without the class and with it."""
    with (
        Stack(workers=2) as stack,
        Client(stack.ready) as client,
        sync_playwright() as running,
    ):
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 720})
        cookie = {"name": "demo_token", "value": stack.ready["token"], "url": stack.ready["web"]}
        context.add_cookies([cookie])
        page = context.new_page()
        page.goto(f"{stack.ready['web']}/stage")
        page.locator(".box").nth(1).wait_for()
        rows = [_row("nobody else", page, client)]
        with _class_of(stack.ready["web"], bad=0):
            rows.append(_row(f"{READERS} readers", page, client))
        with _class_of(stack.ready["web"], bad=BAD):
            rows.append(_row(f"{READERS} readers, {BAD} with bad will", page, client))
        browser.close()
    columns = ["the class", "pages, ms", "slowest", "mails, ms", "slowest", "frames/s", "median ms"]
    note = (
        f"Another reader asks for a page and comments, for {SECONDS} s. Each phone has an address "
        f"of its own, and now and then goes away in the middle of an answer. Bad will: comments "
        f"and pictures as fast as they are taken, and {CONNECTIONS} connections with a slow body"
    )
    return [Table("A class on phones", columns, rows, note)]


def _row(name: str, page: Page, client: Client) -> list[str]:
    pages: list[float] = []
    mails: list[float] = []
    ended = threading.Event()
    reader = threading.Thread(target=_another_reader, args=(client, pages, mails, ended))
    reader.start()
    times = page.evaluate(RECORD, SECONDS)
    ended.set()
    reader.join()
    taken = [after - at for at, after in pairwise(times)]
    numbers = (median(pages), max(pages), median(mails), max(mails), len(taken) / SECONDS)
    return [name, *(f"{number:.0f}" for number in numbers), f"{median(taken):.1f}"]


def _another_reader(
    client: Client, pages: list[float], mails: list[float], ended: threading.Event
) -> None:
    while not ended.is_set():
        with _phone(str(client.web.base_url), 99) as web:
            began = time.perf_counter()
            web.get("/posts/2").raise_for_status()
            pages.append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            job = web.post("/api/posts/2/comments", json=_COMMENT).json()["job_id"]
        while _state(client, job) != "done":
            time.sleep(0.01)  # between two questions
        mails.append((time.perf_counter() - began) * 1000)


def _state(client: Client, job: str) -> str:
    """Empty before it is in its queue."""
    answer = client.web.get(f"/api/jobs/{job}")
    return str(answer.json()["state"]) if answer.is_success else ""


def _phone(web: str, number: int) -> httpx.Client:
    """A client with an address of its own on this machine."""
    transport = httpx.HTTPTransport(local_address=f"127.0.0.{number}")
    return httpx.Client(base_url=web, transport=transport, timeout=60)


@contextmanager
def _class_of(web: str, bad: int) -> Iterator[None]:
    ended = threading.Event()
    picture = BytesIO()
    Image.new("RGBA", (4470, 4470), "red").save(picture, "PNG")  # as large as is unpacked
    phones: list[threading.Thread] = []

    def play(act: Callable[[], object]) -> None:
        def again() -> None:
            while not ended.is_set():
                with suppress(httpx.HTTPError, OSError):
                    act()

        phones.append(threading.Thread(target=again, daemon=True))

    for number in range(READERS):
        play(partial(_bad_luck, web, 100 + number, ended))
    files = {"file": ("red.png", picture.getvalue())}
    for number in range(10, 10 + bad):
        phone = _phone(web, number)
        play(partial(phone.post, "/api/posts/1/comments", json=_COMMENT))
        play(partial(phone.post, "/authors/Akiko/picture", files=files))
        play(partial(_slow_bodies, web, number, ended))
    for thread in phones:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in phones:
            thread.join(30)


def _bad_luck(web: str, number: int, ended: threading.Event) -> None:
    """A reader on a bad network: looks, comments, and now and then goes away in the middle."""
    with _phone(web, number) as phone:
        phone.get("/posts/1")
        if random.random() < 0.3:
            with phone.stream("GET", "/posts/1") as answer:
                next(answer.iter_raw(100))
        phone.post("/api/posts/1/comments", json=_COMMENT)
    ended.wait(random.uniform(1, 5))


def _slow_bodies(web: str, number: int, ended: threading.Event) -> None:
    where = urlsplit(web)
    here = (f"127.0.0.{number}", 0)
    with ExitStack() as held, suppress(OSError):
        slow = [
            held.enter_context(socket.create_connection((where.hostname, where.port), 10, here))
            for _ in range(CONNECTIONS)
        ]
        for one in slow:
            one.sendall(_SLOW)
        while not ended.wait(1):
            for one in slow:
                one.sendall(b" ")
