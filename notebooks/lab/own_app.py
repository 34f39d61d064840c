"""The app that a learner writes, running: its parts as real processes, each of which is killed.

`my_app.py` has `web` (an ASGI app: POST /comments with the form's field `text`, GET /comments), the
class `Inbox` (a handler of aiosmtpd: one line of `inbox.txt` for each mail that it shows, its
subject, which is the comment's text; it answers "250 accepted"), and, if it has come so far, a
Celery app `celery`, and `relay`, which runs when the file does. It is told `BROKER` and
`SMTP_PORT`.
"""

from __future__ import annotations

import re
import smtplib
import socket
import sys
import threading
import time
from asyncio import open_connection
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from subprocess import run
from typing import Any

import httpx

from demo_app.demo.timeline import Kill
from demo_app.judge.proxy import Proxy
from demo_app.stack import StackError, ports
from lab.language import say
from lab.ledger import Ledger, Line
from lab.lifecycle import LabError
from lab.manual_worker import PATIENCE, Beside
from lab.program import Program, held
from lab.running import Lab

#: Seconds by which each line between the worker and the mail server is late: a mail needs some ten.
_SLOW = 0.08
#: Seconds without a mail after which none is expected; more than a lease, less than stock Celery's
#: hour.
_STILL = 10.0
#: Seconds in which a worker that acknowledges a job before it runs has done so.
_EARLY = 5.0
_COMMENTS = 4
_PARTS = ("web", "celery", "relay", "Inbox")
_LOOK = f"import my_app; print(*(name for name in {_PARTS} if hasattr(my_app, name)))"


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of some comments. held: None when the app has no such part.

    late: how many jobs a list in Redis still has that are to send a mail, or to send it again.
    """

    name: str
    held: bool | None
    ledger: Ledger
    late: int = 0
    twice: int = 0

    def row(self) -> tuple[object, ...]:
        """Its line of the table."""
        mark = {True: say("✓ holds"), False: say("✗ fails"), None: "–"}[self.held]
        missing, late = self.ledger.missing, self.late
        return say(self.name), mark, self.ledger.comments, max(0, missing - late), late, self.twice


class OwnApp:
    """The running app, and what is done to it."""

    def __init__(self, lab: Lab, text: str) -> None:
        self._lab, self._program = lab, Program(lab, text, "my_app")
        self._cable, smtp = self._cable_to(port := ports.take(0, "SMTP"))
        self._inbox = port
        self._environment = {"BROKER": str(lab.stack.ready["redis"]), "SMTP_PORT": str(smtp)}
        self._parts, self._held_before = self._look(), 0
        #: When each mail was seen first, by its comment's text.
        self._came: dict[str, float] = {}
        self._ended = threading.Event()
        lab.at_end.callback(self._ended.set)
        threading.Thread(target=self._watch, daemon=True).start()
        self._url = f"http://127.0.0.1:{(web := ports.take(0, 'web'))}"
        self._commands: dict[str, Callable[[], Beside]] = {
            "inbox": partial(self._start, "inbox", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}",
                             "-c", "my_app.Inbox"),
            "web": partial(self._start, "web", "uvicorn", "my_app:web", "--port", str(web)),
        }  # fmt: skip
        if "celery" in self._parts:
            self._commands["worker"] = partial(
                self._program.worker, "--concurrency", "2", **self._environment
            )
        if "relay" in self._parts:
            self._commands["relay"] = partial(self._start, "relay", "my_app")
        self._running = {role: start() for role, start in self._commands.items()}
        self._running["inbox"].wait_until(lambda: _answers(port))
        self._until_web()

    def close(self) -> None:
        """End its parts: a worker that went on would take the jobs of the lab's next app."""
        self._ended.set()
        for part in self._running.values():
            part.end()
        self._cable.end()

    def _watch(self) -> None:
        with suppress(LabError):  # the lab was closed
            while not self._ended.wait(0.05):
                for text in self._program.lines("inbox.txt"):
                    self._came.setdefault(text, time.time())

    def _start(self, role: str, module: str, *arguments: str) -> Beside:
        return self._program.start(role, module, *arguments, **self._environment)

    def _look(self) -> set[str]:
        """The names of the parts that the file has. Raises LabError for a file that is no app."""
        environment = {**self._lab.stack.plan.environment(), **self._environment}
        here: Any = {"cwd": self._program.folder, "env": environment}
        done = run([sys.executable, "-c", _LOOK], **here, capture_output=True, text=True,
                   check=False)  # fmt: skip
        if done.returncode:
            raise LabError(say("Your app can't be imported: {why}", why=_last_line(done.stderr)))
        parts = set(done.stdout.splitlines()[-1].split())
        for needed in ("web", "Inbox"):
            if needed not in parts:
                raise LabError(say("Your app has nothing of the name {name!r}.", name=needed))
        return parts

    def _cable_to(self, port: int) -> tuple[Proxy, int]:
        """The way to the inbox, which can be slow, and can lose an answer; and its port."""
        end = socket.create_server(("127.0.0.1", 0))
        cable = Proxy({end: partial(open_connection, "127.0.0.1", port)})
        self._lab.at_end.callback(cable.end)
        return cable, int(end.getsockname()[1])

    def _until_web(self) -> None:
        def answers() -> bool:
            with suppress(httpx.HTTPError):
                return httpx.get(f"{self._url}/comments").is_success
            return False

        try:
            self._running["web"].wait_until(answers)
        except StackError as error:
            raise LabError(str(error)) from None

    def trials(self) -> Iterator[Trial]:
        """Each in its turn, on the same running app."""
        self._cable.delay = _SLOW
        yield self._waits()
        yield self._killed("the web app is killed", "web")
        yield self._killed("the worker is killed", "worker")
        yield self._redis_killed()
        yield self._answer_lost()  # only here is what is shown twice a fault

    def _waits(self) -> Trial:
        """Is the reader answered before the mail has arrived?"""
        began = time.time()
        self._post("waits", 1)
        sooner = not self._program.lines("inbox.txt")
        found = self._settle("waits", began, ())
        return Trial("the reader does not wait", sooner, *found)

    def _killed(self, name: str, role: str) -> Trial:
        began = time.time()
        self._post(role, _COMMENTS)
        if role not in self._running:
            return Trial(name, None, *self._settle(role, began, ()))
        if role == "worker":
            self._lab.until(lambda: self._arrived(role), "the first mail", PATIENCE, silent=True)
            self._hold_a_mail()
        at, part = time.time(), self._running[role]
        part.end()
        if role == "worker":
            self._cable.reset()  # what the dead had on its way does not arrive
            self._cable.plug_in()
        self._running[role] = self._commands[role]()
        if role == "web":
            self._until_web()
        return self._judged(name, role, began, Kill(at, part.pid, role))

    def _hold_a_mail(self) -> None:
        """Stop what is on its way to the inbox, so that the worker is in the middle of its jobs;
        wait until it has acknowledged one of them, if it does so early."""
        self._cable.unplug()
        with smtplib.SMTP("127.0.0.1", self._inbox, timeout=PATIENCE) as inbox:
            inbox.noop()  # what had reached it before has been answered, and is in its file
        deadline = time.monotonic() + _EARLY
        while time.monotonic() < deadline:
            known = held(self._lab.redis) - self._held_before + self._arrived("worker").total()
            if known < _COMMENTS:
                return
            time.sleep(0.05)  # between two looks

    def _redis_killed(self) -> Trial:
        name, began = "Redis is killed", time.time()
        self._lab.stack.kill("redis", restart=False)
        self._post("redis", _COMMENTS)
        self._lab.start("redis")
        if "worker" not in self._running:
            return Trial(name, None, *self._settle("redis", began, ()))
        return self._judged(name, "redis", began, Kill(began, 0, "redis"))

    def _answer_lost(self) -> Trial:
        began = time.time()
        self._cable.lose_answer_like(re.compile(rb"accepted"))
        self._post("answer", 2)
        return self._judged("the mail server's answer is lost", "answer", began)

    def _judged(self, name: str, mark: str, began: float, *kills: Kill) -> Trial:
        ledger, late, twice = self._settle(mark, began, kills)
        shown_once = twice == 0 or bool(kills)
        return Trial(name, not ledger.missing + late and shown_once, ledger, late, twice)

    def _post(self, mark: str, comments: int) -> None:
        for number in range(comments):
            with suppress(httpx.HTTPError):  # the reader sees an error, and leaves
                form = {"text": f"{mark} {number}"}
                httpx.post(f"{self._url}/comments", data=form, timeout=60.0)

    def _page(self, mark: str) -> list[str]:
        """The comments that are on the page."""
        found = httpx.get(f"{self._url}/comments", timeout=60.0).json()
        return [text for text in found if text.startswith(f"{mark} ")]

    def _arrived(self, mark: str) -> Counter[str]:
        found = self._program.lines("inbox.txt")
        return Counter(line for line in found if line.startswith(f"{mark} "))

    def _settle(self, mark: str, began: float, kills: tuple[Kill, ...]) -> tuple[Ledger, int, int]:
        """Wait until each comment on the page has its mail, or none has come for a while; the
        ledger, how many are late, and how many are shown twice."""
        count, since = 0, time.monotonic()
        while True:
            self._restart_the_dead()
            arrived, page = self._arrived(mark), self._page(mark)
            if arrived.total() != count:
                count, since = arrived.total(), time.monotonic()
            still = _STILL if mark == "answer" or set(page) - set(self._came) else 0.0
            if time.monotonic() - since >= still:
                break
            time.sleep(0.05)  # between two looks
        # the last mail has come, and its answer may not have: it is no part of the next trial
        quiet = "a moment without change"
        self._lab.until(lambda: not self._cable.busy, quiet, PATIENCE, silent=True)
        lines = [
            Line(n, began, self._came.get(text), arrived[text]) for n, text in enumerate(page, 1)
        ]
        twice = sum(times > 1 for times in arrived.values())
        ledger = Ledger(tuple(lines), kills)
        before, self._held_before = self._held_before, held(self._lab.redis)
        waiting = max(0, self._held_before - before)
        late = waiting if mark == "answer" else min(ledger.missing, waiting)
        return ledger, late, twice

    def _restart_the_dead(self) -> None:
        """As a supervisor does: stock Celery's worker may end when Redis does."""
        for role, part in self._running.items():
            if not part.alive:
                self._running[role] = self._commands[role]()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["?"])[-1]
