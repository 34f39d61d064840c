"""Helpers for all tests: real servers, browsers, and waiting for events instead of sleeping."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import httpx
import psutil
import pytest
import redis
from programs import BROWSER, needs

from demo_app.broker.connection import connect
from demo_app.broker.message import Message
from demo_app.broker.queue import Queue
from demo_app.rig.polling import poll
from demo_app.rig.process import is_alive
from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.redis_server import RedisServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from postgres_server import PostgresServer

Answer = TypeVar("Answer")
_SILENT = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
#: The fields of a valid comment.
COMMENT = {"author": "Reader", "email": "reader@example.test", "body": "Well said."}
#: Names and bodies that must be shown as text, by the kind of attack.
HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "an image": '"><img src=x onerror=alert(1)>',
    "out of the picture": "</text></svg><script>alert(1)</script>",
    "out of the comment": "--> ]]> &lt;b&gt; &#60;",
    "turned around": "\u202egnp.exe\u2066\u200f",
    "four bytes": "𝕳𝖊𝖑𝖑𝖔 👩\u200d💻 漢字",
    "control characters": "a\x00b\x1b[31mred\x07\x9bx",
    "without a width": "a\u200bb\ufeffc\u2060d",
    "combining": "Z\u0351\u036b\u0343a\u0328l\u0334g\u0321o" + "\u0301" * 40,
    "a formula": "$\\frac{1}{0}$ {{ 7*7 }}",
    "huge": "x" * 10_000,
}


def until(condition: Callable[[], Answer], seconds: float = 30.0, what: str = "it") -> Answer:
    """Call `condition` until its result is true, and return the result. Fail the test on a timeout.

    Args:
        seconds: the timeout on an idle machine; a busy machine gets more.
        what: the expected event, for the error message.
    """
    began = time.monotonic()
    for _ in poll():
        if answer := condition():
            return answer
        if (waited := time.monotonic() - began) > patience(seconds):
            break
    pytest.fail(f"{what} did not happen within {waited:.0f} s")


def or_none(request: Callable[[], Answer]) -> Answer | None:
    try:
        return request()
    except (httpx.HTTPError, redis.RedisError):
        return None


def gone(*pids: int) -> bool:
    return not any(is_alive(pid) for pid in pids)


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def pids_of(ready: Mapping[str, Any]) -> list[int]:
    """Return the pids of a stack's processes.

    Args:
        ready: the stack's ready line.
    """
    return [pid for pids in ready["pids"].values() for pid in pids]


def living(summary: Mapping[str, Any]) -> set[str]:
    return {worker["id"] for worker in summary["workers"] if worker["alive"]}


def marked(name: str, value: object) -> list[psutil.Process]:
    # each value of `info` is None if this user may not read it
    processes = psutil.process_iter(["cmdline", "environ"])
    return [one for one in processes if (one.info["environ"] or {}).get(name) == str(value)]


def patience(seconds: float) -> float:
    """Return a timeout, longer if the machine is busy.

    Args:
        seconds: the timeout on an idle machine.
    """
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def _all_except(mark: pytest.MarkDecorator, every: Iterable[Any], *plain: Any) -> list[Any]:
    return [
        one if one in plain
        else pytest.param(*(one if isinstance(one, tuple) else (one,)), marks=mark)
        for one in every
    ]  # fmt: skip


#: most_thorough(every, *quick): the parameters `every` of a test. All except the quick ones get the
#: mark `thorough`.
most_thorough = partial(_all_except, pytest.mark.thorough)
#: most_nightly(every, *sample): the parameters `every` of a test. All except the sample get the
#: mark `nightly`.
most_nightly = partial(_all_except, pytest.mark.nightly)


def changed(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def run_python(
    *words: object, cwd: Path | None = None, typed: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    command, env = [sys.executable, *map(str, words)], {**os.environ, **environment}
    return subprocess.run(command, cwd=cwd, env=env, input=typed, capture_output=True, text=True)


@contextmanager
def up_running(
    *arguments: str,
    as_json: bool = True,
    stderr: int | IO[str] = subprocess.PIPE,
    cwd: Path | None = None,
    **settings: str,
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "demo_app", "up", *(["--json"] * as_json), *arguments]
    env, pipe = {**os.environ, **settings}, subprocess.PIPE
    process = subprocess.Popen(
        command, cwd=cwd, env=env, stdout=pipe, stderr=stderr, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def next_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the next line of `up --json`. The first one is the ready line."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"it ended instead: {process.communicate(timeout=30)[1]}"
    return json.loads(line)


@contextmanager
def browser_running() -> Iterator["Browser"]:
    """Run a browser that sends no requests on its own.

    Start it per module, not per session: while it runs, Playwright's event loop runs too, and no
    other test in this process can start an event loop.
    """
    program = needs(BROWSER)
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        expect.set_options(timeout=60_000)  # a busy machine may need so long
        browser = playwright.chromium.launch(executable_path=program, args=_SILENT)
        yield browser
        browser.close()


def axe_violations(page: "Page", within: str = "html") -> list[tuple[str, list[str]]]:
    """Return the broken accessibility rules, each with the HTML of at most three elements.

    Args:
        within: a CSS selector.
    """
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    result = page.evaluate("within => axe.run(within, {resultTypes: ['violations']})", within)
    return [
        (rule["id"], [node["html"][:120] for node in rule["nodes"][:3]])
        for rule in result["violations"]
    ]


def browsing(address: str, **headers: str) -> httpx.Client:
    # no keep-alive: the server closes an idle connection after 5 s, perhaps during a request
    no_keepalive = httpx.Limits(max_keepalive_connections=0)
    headers = {"accept": "text/html", **headers}
    return httpx.Client(base_url=address, headers=headers, timeout=30, limits=no_keepalive)


def ask_app(app: Any, *urls: str, **options: Any) -> list[httpx.Response]:
    """Request each URL from an ASGI app, as a browser would, but without a server."""

    async def answers() -> list[httpx.Response]:
        headers = {"accept": "text/html", **options.pop("headers", {})}
        quiet = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=quiet, headers=headers, **options) as client:
            return [await client.get(url) for url in urls]

    return asyncio.run(answers())


@contextmanager
def redis_running(**options: Any) -> Iterator[str]:
    with ProcessGroup() as group, RedisServer(group, **options) as server:
        yield server.url


def administer(server: "PostgresServer", *commands: str) -> None:
    """Run each command in its own transaction as the superuser. Raises psycopg.Error."""
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        for command in commands:
            connection.execute(command.encode())


def client_of(url: str) -> redis.Redis:
    """Return a client with replies as text."""
    return connect(url)


def refuses_writes(client: redis.Redis) -> bool:
    """Try to write the key `probe`. Return True if Redis refuses it because of its disk."""
    try:
        client.set("probe", "x")
    except redis.RedisError as error:
        return "MISCONF" in str(error)
    return False


def allow_death_checks(queue: Queue, lease_ms: int = 60_000) -> None:
    """Let checks declare workers dead, as if Redis had been running for longer than a lease."""
    rescue_now(queue, "test", lease_ms)
    queue.client.hset("server", "since", 0)
    queue.client.delete("look")


def rescue_now(
    queue: Queue, by: str = "other", lease_ms: int = 60_000, rescues: int = 3
) -> list[str]:
    """Check for dead workers, even right after another check. Return the ids of rescued jobs."""
    queue.client.delete("look")
    return queue.rescue(by, lease_ms, rescues).send()


def die(queue: Queue, worker: str) -> None:
    """Delete the worker's lease, and record the worker as a suspect since 1 s ago.

    So the next check for dead workers declares it dead.
    """
    queue.client.delete(f"worker:{worker}")
    queue.client.hset("suspects", worker, time.time() - 1)


def message(number: int = 1, **changes: Any) -> Message:
    fields: dict[str, Any] = {"id": f"job-{number}", "task": "tests.nothing", "queue": "mail"}
    return Message(**{**fields, "arguments": {"number": number}, **changes})
