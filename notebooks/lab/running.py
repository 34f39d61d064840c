"""`Lab`: a whole running system to experiment on, started and ended with one line.

One lab runs at a time, unless a second one is asked for beside it. Starting a lab again ends the
one before, so every cell may be run twice. When the kernel ends, however it ends, so do the
processes: by `atexit` where it can, by the stack's reaper where it was killed.
"""

from __future__ import annotations

import atexit
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from demo_app.jobs.backends import _made as backend_of
from demo_app.settings import settings
from demo_app.stack import Stack, StackError
from demo_app.stack.client import Client
from demo_app.stack.reaper import MARKER
from demo_app.stack.supervisor import Event
from demo_app.story import timeline as timelines
from demo_app.story.picture import describe, draw
from demo_app.story.play import journal_end, kill_busy_worker
from demo_app.story.timeline import Kill, Timeline
from lab import live, order
from lab.byhand import HandStarted
from lab.ledger import Ledger, count
from lab.map import draw_map
from lab.shield import shielded
from lab.show import Picture, Table
from lab.stations import follow


class LabError(Exception):
    """Something a learner can mend; shown as one sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass(frozen=True, slots=True)
class Posted:
    """A comment that was accepted. at: epoch seconds. took: seconds that the reader waited."""

    comment_id: int
    job_id: str
    at: float
    took: float


class Posts(list[Posted]):
    """The comments of one `post`, the first one first."""

    def __repr__(self) -> str:
        return f"{len(self)} comment{'s' * (len(self) != 1)} posted"


_labs: list[Lab] = []
_UNFINISHED = ("queued", "running", "retrying", "scheduled")


class Lab:
    """See the module. Takes the options of `demo_app.stack.Options`.

    beside: keep the lab that runs, and start this one next to it.
    Raises LabError, with nothing left running, when it can't start.
    """

    def __init__(self, *, beside: bool = False, **options: Any) -> None:
        if not beside:
            close_all()
        self.posted = Posts()
        self.kills: list[Kill] = []
        self._since = "0-0"
        self._by_hand: list[HandStarted] = []
        # a worker must find lab.jobs, wherever the notebook was started
        paths = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
        found = {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        options["environment"] = {**found, **options.get("environment", {})}
        options["tasks"] = ("lab.jobs", *options.get("tasks", ()))
        self._answered: set[int] = set()  # pids of processes that were started again
        self._stack: Stack | None = Stack(self._heard, **options)
        self._client: Client | None = None
        _labs.append(self)
        try:
            shielded(self._stack.__enter__)
            self._client = Client(self.stack.ready)
            self._speak_as_web_app()
        except BaseException as error:
            self.close()
            if isinstance(error, StackError):
                raise LabError(str(error)) from None
            raise

    def _heard(self, event: Event) -> None:
        if event["event"] == "started":
            self._answered.add(int(event["pid"]))

    def __repr__(self) -> str:
        if self._stack is None:
            return "This lab is closed."
        pids = self.stack.ready["pids"]
        told = [f"{role} (pid {', '.join(map(str, pids[role]))})" for role in pids if pids[role]]
        return f"Running: {', '.join(told)}."

    def close(self) -> None:
        """End every process of this lab; may be called twice."""
        shielded(self._close)

    def _close(self) -> None:
        for worker in self._by_hand:
            worker.end()
        client, self._client = self._client, None
        stack, self._stack = self._stack, None
        try:
            if client is not None:
                client.close()
        finally:
            if stack is not None:
                with suppress(StackError):  # nobody needs what they would still do or write
                    for role in ("worker", "web", "smtp", "redis"):
                        stack.kill(role, restart=False)
                stack.stop()
            if self in _labs:
                _labs.remove(self)

    def _speak_as_web_app(self) -> None:
        """From now on, `enqueue` in this notebook goes where the web app's goes."""
        plan = self.stack.plan
        told = plan.environment()
        names = {name for name in told if name.startswith("DEMO_")} - {MARKER}
        os.environ.update({name: told[name] for name in names})
        settings.cache_clear()
        backend_of.cache_clear()

    @property
    def closed(self) -> bool:
        """Whether its processes have been ended."""
        return self._stack is None

    @property
    def stack(self) -> Stack:
        """The stack behind it. Raises LabError when the lab is closed."""
        if self._stack is None:
            raise LabError("This lab is closed. Run the cell that starts it, then go on here.")
        return self._stack

    @property
    def client(self) -> Client:
        """Talks to it over HTTP. Raises LabError when the lab is closed."""
        if self._client is None:
            raise LabError("This lab is closed. Run the cell that starts it, then go on here.")
        return self._client

    @property
    def redis(self) -> Any:
        """A connection to its Redis; answers are text."""
        return self.client.redis()

    @property
    def stock(self) -> bool:
        """Whether its worker takes jobs as Celery comes."""
        return self.stack.options.transport == "stock"

    def post(self, comments: int = 1, readers: int = 1, **fields: Any) -> Posts:
        """Post comments, as so many readers at the same time; each waits for its answer."""

        def one(number: int) -> Posted:
            given = {"body": f"Comment {number}", **fields}
            began, at = time.perf_counter(), time.time()
            told = self.client.comment(**given)
            took = time.perf_counter() - began
            posted = Posted(told["comment_id"], told["job_id"], at, took)
            self.posted.append(posted)
            return posted

        numbers = range(len(self.posted) + 1, len(self.posted) + comments + 1)
        if readers == 1:
            return Posts(map(one, numbers))
        with ThreadPoolExecutor(readers) as pool:
            return Posts(pool.map(one, numbers))

    def slow_mail(self, each: float) -> None:
        """Let the mail server take so many seconds for each mail."""
        self.faults({"at": "data", "do": "wait", "seconds": each})

    def faults(self, *rules: dict[str, Any]) -> None:
        """Make the mail server misbehave by these rules, and no others; none mends it."""
        self.client.set_faults(*rules)

    def kill(self, role: str = "worker", *, restart: bool = True) -> Kill:
        """SIGKILL a process: the role's, or a worker in the middle of its jobs.

        restart: False keeps it dead until `start`. Waits until a worker has something to do; when
        nothing is left to do, as in a cell that is run again, an idle one is killed.
        """
        if role == "worker":
            kill = self._kill_worker(restart)
        else:
            at = time.time()
            pids = self.stack.kill(role, restart=restart)
            kill = Kill(at, pids[0], role)
        self.kills.append(kill)
        return kill

    def kill_process(self, role: str) -> Kill:
        """SIGKILL to the role's first process, whatever it does; another takes its place."""
        at, pid = time.time(), self.stack.ready["pids"][role][0]
        self.stack.kill(role, pid=pid)
        self.until(lambda: self._answered & {*self.stack.ready["pids"][role]}, f"another {role}")
        self.kills.append(Kill(at, pid, role))
        return self.kills[-1]

    def _kill_worker(self, restart: bool) -> Kill:
        if not self.stock:
            kill: Kill = self.until(lambda: self._kill_busy(restart), "a worker to kill")
            return kill
        options, redis = self.stack.options, self.redis
        wanted = options.concurrency * options.workers
        self.until(lambda: redis.hlen("unacked") >= wanted, "a busy worker")
        at = time.time()
        victim = self.stack.ready["pids"]["worker"][0]
        self.stack.kill("worker", pid=victim, restart=restart)
        return Kill(at, victim, f"stock-{victim}")

    def _kill_busy(self, restart: bool) -> Kill | None:
        try:
            return kill_busy_worker(self.stack, self.client, restart=restart, seconds=0.2)
        except TimeoutError:
            now, mails = self.client.summary(), self.client.mail_stats()["distinct"]
        living = self.stack.ready["pids"]["worker"]
        open_jobs = any(now[state] for state in _UNFINISHED)
        if open_jobs or mails < len(self.posted) or not living:
            return None
        at = time.time()
        self.stack.kill("worker", pid=living[0], restart=restart)
        return Kill(at, living[0], "an idle worker")

    def start(self, role: str = "worker") -> None:
        """Start what was killed for good; returns when it answers."""
        shielded(lambda: self.stack.start(role))

    def send_workers_home(self) -> None:
        """Stop the workers in good order (SIGTERM); nobody works until `start`."""
        self.stack.kill("worker", signal.SIGTERM, restart=False)
        self.until(lambda: not self.stack.ready["pids"]["worker"], "the workers' end")

    def freeze_idle_worker(self) -> None:
        """SIGSTOP while it waits for a job: it keeps all it has, and does nothing."""
        self.until(self._worker_waits, "a worker that waits for a job")
        self.stack.kill("worker", signal.SIGSTOP)

    def kill_frozen_worker(self) -> Kill:
        """SIGKILL, after Redis has answered the frozen worker; a new one takes its place."""
        self.until(lambda: not self._worker_waits(), "Redis answering the frozen worker")
        at = time.time()
        (pid,) = self.stack.kill("worker")
        kill = Kill(at, pid, "frozen")
        self.kills.append(kill)
        self.until(lambda: self.stack.ready["pids"]["worker"] not in ([], [pid]), "a new worker")
        return kill

    def _worker_waits(self) -> bool:
        waits_in = "brpop" if self.stock else "xread"
        clients = self.redis.client_list()
        return any(c["cmd"] == waits_in and "b" in c["flags"] for c in clients)

    def celery(self, *arguments: str) -> HandStarted:
        """Start a Celery worker by hand, with options of one's own, beside the stack's."""
        return HandStarted(self, self.stack.plan, arguments, self._by_hand)

    def until_mails_are_still(
        self, still: float, *, until_complete: bool = True, seconds: float = 120.0
    ) -> None:
        """Wait until no mail has come for so long, or, if wanted, every one has."""
        last, since = -1, time.monotonic()

        def quiet() -> bool:
            nonlocal last, since
            stats = self.client.mail_stats()
            if stats["accepted"] != last:
                last, since = stats["accepted"], time.monotonic()
            complete = until_complete and stats["distinct"] >= len(self.posted)
            return complete or time.monotonic() - since >= still

        self.until(quiet, "stillness", seconds)

    def in_hand(self) -> float:
        """For how many seconds stock Celery's worker has had its oldest job in hand."""
        oldest = self.redis.zrange("unacked_index", 0, 0, withscores=True)
        return time.time() - oldest[0][1] if oldest else 0.0

    def fault_hits(self) -> int:
        """How often a fault of the mail server has struck, under the rules in force."""
        ready = self.stack.ready
        bearer = {"authorization": f"Bearer {ready['token']}"}
        rules = httpx.get(f"{ready['inbox']}/api/faults", headers=bearer).json()
        return sum(int(rule["hits"]) for rule in rules)

    def wait(self, seconds: float = 120.0) -> None:
        """Wait until every mail has arrived and nothing is left to do.

        Raises LabError when that does not come to pass in the time.
        """
        try:
            self.client.wait_for_mails(len(self.posted), seconds)
            self.client.wait_for(lambda now: not any(now[state] for state in _UNFINISHED), seconds)
        except TimeoutError as error:
            raise LabError(f"Waited in vain: {error}") from None

    def until(self, ask: Callable[[], Any], what: str = "it", seconds: float = 120.0) -> Any:
        """Ask until the answer is yes, and return it. Raises LabError when the time is up."""
        deadline = time.monotonic() + seconds
        while not (answer := ask()):
            if time.monotonic() > deadline:
                raise LabError(f"Waited {seconds:.0f} s in vain for {what}.")
            time.sleep(0.01)
        return answer

    def until_still(self, still: float = 1.5, seconds: float = 120.0) -> None:
        """Wait until the queue is empty and nothing has moved for so long: for stock Celery, which
        does not tell when it is done."""
        redis, last, since = self.redis, None, time.monotonic()

        def quiet() -> bool:
            nonlocal last, since
            now = (self.client.mail_stats()["accepted"], redis.hlen("unacked"), redis.llen("mail"))
            if now != last:
                last, since = now, time.monotonic()
            return now[2] == 0 and time.monotonic() - since >= still

        self.until(quiet, "stillness", seconds)

    def waiting(self, queue: str = "mail") -> list[str]:
        """What waits in a queue, next to run first: comments by number, other jobs by name."""
        return order.names_waiting(self, queue)

    def started(self) -> list[str]:
        """The jobs in the order in which they (last) started, named as in `waiting`."""
        return order.started(self.redis, self.seen())

    def map(self) -> Picture:
        """Who runs, with pids and ports, and which way a comment goes."""
        return draw_map(self.stack)

    def follow(self, posted: Posted) -> Table:
        """One comment at every station: the bytes, as they really lie there."""
        return follow(self, posted)

    def queue_picture(self) -> Picture:
        """Every job in the Redis list in which it is now."""
        return live.picture(self)

    def watch(self, seconds: float = 120.0) -> None:
        """Like `wait`, with the queue's picture as it moves."""
        live.watch(self, seconds)

    def ledger(self) -> Ledger:
        """Comments posted, and mails that came of them, as the inbox has it."""
        return count(self.posted, self.client, self.kills)

    def seen(self) -> Timeline:
        """What happened to each job, from the journal in Redis, since the last `new_page`."""
        return timelines.read(self.redis, self._since)

    def new_page(self) -> None:
        """From here on, pictures show only what comes."""
        self._since = journal_end(self.client)
        self.kills.clear()

    def timeline(self, title: str = "") -> Picture:
        """The picture of what happened: a job is a row, time goes right."""
        seen = self.seen()
        figure = draw(seen, self.kills, title=title or " ")
        return Picture.of(figure, describe(seen, self.kills) + ".")


def current() -> Lab:
    """The lab that runs. Raises LabError when there is none."""
    if not _labs:
        raise LabError("No lab runs. Run the cell that starts one, then go on here.")
    return _labs[-1]


def close_all() -> None:
    """End every lab of this kernel."""
    while _labs:
        _labs[-1].close()


atexit.register(close_all)
