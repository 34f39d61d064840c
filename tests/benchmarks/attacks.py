"""What another reader, an author and the stage notice while somebody attacks the blog."""

from __future__ import annotations

import multiprocessing
import os
import random
import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from itertools import pairwise
from multiprocessing.synchronize import Event
from urllib.parse import urlsplit

import httpx
from blog.test_pictures import with_scans
from playwright.sync_api import Page
from support import browser_running, next_line, up_running

from benchmarks.frames import RECORD, SECONDS, stage_of
from benchmarks.table import Table
from demo_app.blog.pictures import MOST_SCANS
from demo_app.stack.client import Client
from demo_app.web.blog_pages import FEW

READERS, BAD = 40, 5
#: Connections that each of the bad ones holds open; each sends a byte a second of its body.
CONNECTIONS = 100
_SLOW = (
    b"POST /api/posts/1/comments HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nContent-Length: 200000\r\n\r\n"
)
_COMMENT = {"author": "Reader", "email": "reader@example.test", "body": "Well said."}


class Phone:
    """A client with an address of its own on this machine. web, smtp: where the stack answers."""

    def __init__(self, web: str, smtp: str, number: int) -> None:
        self.here, self.smtp = f"127.0.0.{number}", smtp
        self.where = urlsplit(web)
        transport = httpx.HTTPTransport(local_address=self.here)
        self.web = httpx.Client(base_url=web, transport=transport, timeout=60)

    def connected(self) -> socket.socket:
        """A connection of its own to the web app."""
        address = (self.where.hostname, self.where.port)
        return socket.create_connection(address, 10, (self.here, 0))


@cache
def _picture() -> bytes:
    return with_scans(MOST_SCANS)


def reads(phone: Phone) -> None:
    """As a reader on a bad network: looks, comments, and now and then goes away in the middle."""
    phone.web.get("/posts/1")
    if random.random() < 0.3:
        with phone.web.stream("GET", "/posts/1") as answer:
            next(answer.iter_raw(100))
    phone.web.post("/api/posts/1/comments", json=_COMMENT)
    time.sleep(random.uniform(1, 5))  # reads


def comments(phone: Phone) -> None:
    """As fast as they are taken, of signs that take the most to show."""
    body = "\u202e" * 10_000
    phone.web.post("/api/posts/1/comments", json={**_COMMENT, "body": body}).raise_for_status()


def votes(phone: Phone) -> None:
    """As fast as they are taken, and looks where its own job is."""
    phone.web.post("/room", data={"guess": "gone"}, follow_redirects=True)


def pictures(phone: Phone) -> None:
    """As fast as they are taken, of those that take the most to unpack."""
    phone.web.post("/authors/Akiko/picture", files={"file": _picture()})


def slow_bodies(phone: Phone) -> None:
    """A hundred at once."""
    with ExitStack() as held:
        slow = [held.enter_context(phone.connected()) for _ in range(CONNECTIONS)]
        for one in slow:
            one.sendall(_SLOW)
        while True:
            time.sleep(1)
            for one in slow:
                one.sendall(b" ")


def mails(phone: Phone) -> None:
    """Five megabytes each, of which every line is compared to 99 boundaries."""
    heads = (
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(99)
    )
    costly = b"".join(heads) + b"x\r\n" * 1_000_000
    host, _, port = phone.smtp.partition(":")
    with smtplib.SMTP(host, int(port), source_address=(phone.here, 0)) as server:
        while True:
            server.sendmail("a@x.test", ["b@x.test"], costly)


#: Who they are -> how many, and what each of them does again and again.
ATTACKS: dict[str, list[tuple[int, Callable[[Phone], None]]]] = {
    "nobody": [],
    f"{READERS} readers with bad luck": [(READERS, reads)],
    f"{BAD} that comment": [(BAD, comments)],
    f"{BAD} that vote": [(BAD, votes)],
    f"{BAD} with pictures": [(BAD, pictures)],
    f"{BAD} with {CONNECTIONS} slow bodies each": [(BAD, slow_bodies)],
    f"{BAD} with costly mails": [(BAD, mails)],
}
ATTACKS["all of them"] = [one for attack in ATTACKS.values() for one in attack]


def run() -> list[Table]:
    """One table: a reader's page and mail, and the stage, while each attack runs."""
    rows = []
    for name in ATTACKS:
        with (
            up_running("--workers", "2") as up,
            Client(ready := next_line(up)) as client,
            browser_running() as browser,
        ):
            page = stage_of(ready, browser)
            with _running(name, ready["web"], ready["smtp"]):
                rows.append([name, *_seen(page, client, Phone(ready["web"], ready["smtp"], 9))])
    columns = ["who", "looks", "page, ms", "mail, ms", "stage, ms", "frames/s", "slowest of 20, ms"]
    note = (
        f"The slowest page, mail and picture of the stage of a reader who looks for {SECONDS} s. "
        "Each of the others has an address of its own."
    )
    return [Table("While somebody attacks", columns, rows, note)]


@contextmanager
def _running(*given: str) -> Iterator[None]:
    """The attack, from a process of its own."""
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    attack = context.Process(target=_attack, args=(*given, begun), daemon=True)
    attack.start()
    begun.wait()
    yield
    attack.kill()
    attack.join()


def _seen(page: Page, client: Client, reader: Phone) -> list[str]:
    looks: list[tuple[float, ...]] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            times = [time.perf_counter()]
            for act in (lambda: reader.web.get("/posts/1").raise_for_status(),
                        lambda: _mail(client, reader),
                        lambda: client.web.get("/stage").raise_for_status()):  # fmt: skip
                act()
                times.append(time.perf_counter())
            looks.append(tuple((after - at) * 1000 for at, after in pairwise(times)))
            ended.wait(1 / FEW[1])  # who comments more often lets others go first

    looking = threading.Thread(target=look)
    looking.start()
    drawn = page.evaluate(RECORD, SECONDS)
    ended.set()
    looking.join()
    taken = sorted(after - at for at, after in pairwise(drawn))
    slowest = [f"{max(times):.0f}" for times in zip(*looks, strict=True)]
    frames = [f"{len(taken) / SECONDS:.1f}", f"{taken[int(0.95 * len(taken))]:.1f}"]
    return [str(len(looks)), *slowest, *frames]


def _mail(client: Client, reader: Phone) -> None:
    """From the comment to the moment at which its mail is taken."""
    job = reader.web.post("/api/posts/1/comments", json=_COMMENT).raise_for_status().json()
    while True:
        answer = client.web.get(f"/api/jobs/{job['job_id']}")  # 404 until the relay has brought it
        if answer.is_success and answer.json()["state"] == "done":
            return
        time.sleep(0.01)  # between two questions


def _attack(name: str, web: str, smtp: str, begun: Event) -> None:
    os.nice(19)
    _picture()

    def again(act: Callable[[Phone], None], number: int) -> None:
        phone = Phone(web, smtp, number)
        while True:
            with suppress(httpx.HTTPError, OSError, smtplib.SMTPException):
                act(phone)

    acts = [act for many, act in ATTACKS[name] for _ in range(many)]
    for number, act in enumerate(acts, 10):
        threading.Thread(target=again, args=(act, number), daemon=True).start()
    time.sleep(2)  # until they are at it
    begun.set()
    threading.Event().wait()
