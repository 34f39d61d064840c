"""`Lab`, a whole running system for experiments."""

import atexit
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from redis.exceptions import RedisError

from demo_app.demo import timeline as timelines
from demo_app.demo.picture import describe, draw
from demo_app.demo.run import journal_end, kill_busy_worker
from demo_app.demo.timeline import Kill, Timeline
from demo_app.jobs.backend import started_backend
from demo_app.rig.polling import Stillness, until
from demo_app.rig.reaper import MARKER, ROLE
from demo_app.rig.uninterruptible import uninterruptible
from demo_app.settings import settings
from demo_app.stack import Stack, StackError
from demo_app.stack.client import UNFINISHED, Client
from demo_app.stack.roles import readiness
from demo_app.stack.supervisor import Event
from lab import order, queue_lists
from lab.extra_process import ExtraProcess
from lab.figures import label_of
from lab.language import translate
from lab.ledger import Ledger, Posted, Posts, count
from lab.map import draw_map, steps_of
from lab.progress import Live, Progress
from lab.show import LabError, Picture, Table

#: Limits of a picture's height (inches), so that it fits on a projector (the width is 11 inches).
_LOWEST, _HIGHEST = 2.8, 6.0
#: Shortest time between two pictures of `Lab.watch` (seconds).
_FRAME = 0.2

#: The labs of this kernel that are running or starting.
LABS: list["Lab"] = []
_own_environment: dict[str, str] = {}  # this process's own DEMO_ variables, before its first lab
#: Protects LABS and the DEMO_ variables of `os.environ`, which labs in several threads change.
_lock = threading.RLock()


class Lab:
    """A running stack to use, break and repair, and a client for it.

    Starting a lab closes all earlier labs of the kernel, so a cell that starts a lab may be run
    twice. The processes end with the kernel: by `atexit`, or by the reaper if the kernel is killed.
    Times are in seconds.

    Args:
        options: fields of `demo_app.stack.Options`.
        background: if True, keep the earlier labs, and do not show waits in the cell.

    Raises:
        LabError: the lab can't start. All its processes have ended.
    """

    def __init__(self, *, background: bool = False, **options: Any) -> None:
        if not background:
            close_all()
        self.background = background
        self.posted = Posts()
        self.kills: list[Kill] = []
        #: The pids of the dead processes of the stack.
        self.died: set[int] = set()
        self._since, self._page_began = "0-0", 0.0
        self._environment: dict[str, str] = {}  # the DEMO_ variables of this lab's stack
        #: Callbacks that end the processes and threads started in addition to the stack.
        self.at_end = ExitStack()
        # a worker must be able to import lab.jobs in every folder
        paths = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
        found = {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        options["environment"] = {**found, **options.get("environment", {})}
        options.setdefault("controls", True)  # the web app's pages show buttons that kill processes
        options["tasks"] = ("lab.jobs", *options.get("tasks", ()))
        self._restarted: set[int] = set()  # pids of restarted processes
        with _lab_errors():
            stack = Stack(self._on_event, **options)
        self._stack: Stack | None = stack
        with _lock:
            if not LABS:
                _own_environment.clear()
                _own_environment.update({name: os.environ[name] for name in _demo_variables()})
            LABS.append(self)
        try:
            with nullcontext() if background else Progress("the start of the system"):
                uninterruptible(stack.__enter__)
            # from now on, `enqueue` in this notebook uses the same backend as the web app
            environment = self.stack.plan.environment()
            names = {name for name in environment if name.startswith("DEMO_")} - {MARKER, ROLE}
            self._environment = {name: environment[name] for name in names}
            _set_environment(self._environment)
        except BaseException as error:
            # stop the stack here too: another thread may have closed this lab during the start
            uninterruptible(stack.stop)
            self.close()
            if isinstance(error, StackError):
                raise LabError(str(error)) from None
            raise

    def _on_event(self, event: Event) -> None:
        if event["event"] == "started":
            self._restarted.add(int(event["pid"]))
        elif event["event"] == "died":
            self.died.add(int(event["pid"]))

    def __repr__(self) -> str:
        if self._stack is None:
            return translate("This lab is closed.")
        pids = self.stack.ready["pids"]
        roles = [f"{role} (pid {', '.join(map(str, pids[role]))})" for role in pids if pids[role]]
        return translate("Running: {roles}.", roles=", ".join(roles))

    def close(self) -> None:
        """End every process of this lab. A second call does nothing."""
        uninterruptible(self._close)

    def _close(self) -> None:
        self.at_end.close()
        stack, self._stack = self._stack, None
        try:
            for name in {"redis", "client"} & self.__dict__.keys():
                self.__dict__.pop(name).close()
        finally:
            if stack is not None:
                with suppress(StackError):  # a clean shutdown is not needed: kill all processes
                    for role in ("worker", "web", "smtp", "redis"):
                        stack.kill(role, restart=False)
                stack.stop()
            with _lock:
                if self in LABS:
                    LABS.remove(self)
                    running = (lab._environment for lab in reversed(LABS) if lab._environment)
                    _set_environment(next(running, _own_environment))

    @property
    def stack(self) -> Stack:
        """The stack of this lab. Raises LabError if the lab is closed."""
        if self._stack is None:
            text = "This lab is closed. Run the cell that starts it, then continue here."
            raise LabError(text)
        return self._stack

    @cached_property  # cached until `close` removes the client
    def client(self) -> Client:
        """The HTTP client of the stack. Raises LabError if the lab is closed."""
        return Client(self.stack.ready)

    @cached_property
    def redis(self) -> Any:
        """A client of the lab's Redis. Replies are text."""
        return self.client.redis()

    @property
    def redis_url(self) -> str:
        """The URL of the lab's Redis in the form that redis-py accepts."""
        return str(self.stack.ready["redis"]).replace("redis+socket:", "unix:")

    @property
    def stock(self) -> bool:
        return self.stack.options.transport == "stock"

    def wait(self, seconds: float = 120.0) -> None:
        """Wait until every mail has arrived and no job is unfinished.

        Raises:
            LabError: the wait timed out.
        """
        self.until(self.finished, "the end of every job", seconds)

    def finished(self) -> bool:
        """Return True if every mail has arrived and no job is unfinished.

        Return False if a server does not answer, since it may be restarting.
        """
        with suppress(httpx.HTTPError):
            if self.client.mail_stats()["distinct"] >= len(self.posted):
                return self.client.at_rest()
        return False

    def until(
        self,
        condition: Callable[[], Any],
        what: str = "it",
        seconds: float = 120.0,
        *,
        silent: bool = False,
    ) -> Any:
        """Call `condition` until its result is true, and return the result.

        Args:
            what: names the awaited event in messages.
            silent: if True, the cell doesn't show the wait.

        Raises:
            LabError: the wait timed out, or the lab is closed.
        """
        with nullcontext() if self.background else Progress("" if silent else what, self.situation):
            # `self.stack` raises LabError if the lab is closed
            if answer := until(lambda: self.stack and condition(), seconds):
                return answer
            text = "Timed out after {seconds:.0f} s: no sign of {what}. {situation}"
            what, now = translate(what), self.situation()
            raise LabError(text, seconds=seconds, what=what, situation=now)

    def situation(self) -> str:
        try:
            now = self.client.summary()
        except (httpx.HTTPError, LabError):
            return translate("The web app does not answer.")
        alive = sum(worker["alive"] for worker in now["workers"])
        text = "{n} {state}"
        found = [translate(text, n=now[state], state=translate(state)) for state in UNFINISHED]
        counts = translate(", ").join(found)
        help_ = "" if alive or self.stock else translate(" lab.start() starts the workers.")
        return translate("Jobs: {counts}. Living workers: {n}.", counts=counts, n=alive) + help_

    def until_still(
        self, still: float = 1.5, enough: Callable[[dict[str, int]], bool] = lambda _: False
    ) -> None:
        """Wait until stock Celery's queue is empty, and no mail has come for `still` seconds.

        If the number of unacknowledged or waiting jobs changes, or if a process dies or is
        restarted, the `still` seconds begin again. Use this method for systems that don't report
        finished jobs.

        Args:
            enough: receives the mail server's counts, and returns True to end the wait earlier.

        Raises:
            LabError: the wait timed out.
        """
        stillness = Stillness()

        def settled() -> bool:
            stats, waiting = self.client.mail_stats(), self.redis.llen("mail")
            unacked, restarts = self.redis.hlen("unacked"), len(self.died) + len(self._restarted)
            same = stillness.seconds((stats["accepted"], unacked, waiting, restarts))
            return enough(stats) or (waiting == 0 and same >= still)

        self.until(settled, "a moment without change")

    def fault_hits(self) -> int:
        return sum(int(rule["hits"]) for rule in self.client.faults())

    def slow_mail(self, each: float) -> None:
        """Let the mail server take `each` seconds for each mail."""
        self.faults({"at": "data", "do": "wait", "seconds": each})

    def faults(self, *rules: dict[str, Any]) -> None:
        """Replace the fault rules of the mail server; a call without rules repairs it."""
        self.client.set_faults(*rules)

    def kill(self, role: str = "worker", *, restart: bool = True) -> Kill:
        """Kill a process of this role with SIGKILL. For a worker, first wait until it runs jobs.

        If all jobs are finished, kill an idle worker, so that a repeated cell does not wait in
        vain. (Stock Celery does not report finished jobs, so there the wait times out.)

        Args:
            restart: False keeps the process dead until `start`.

        Raises:
            LabError: no process of the role runs, or no worker was busy in time.
        """
        kill: Kill | None = None
        if role == "worker" and self.stock:
            options = self.stack.options
            # with this many running jobs, every worker runs at least one job
            enough = options.concurrency * (options.workers - 1) + 1
            self.until(lambda: self.redis.hlen("unacked") >= enough, "a busy worker")
        elif role == "worker":
            kill = self.until(lambda: self._kill_busy(restart), "a worker to kill")
        self.kills.append(kill or self._kill_first(role, restart=restart))
        return self.kills[-1]

    def kill_process(
        self,
        role: str,
        number: signal.Signals = signal.SIGKILL,
        meanwhile: Callable[[], Any] = lambda: None,
    ) -> Kill:
        """Send a signal to the role's first process, and wait until it is replaced.

        Args:
            role: such as "web" or "redis".
            meanwhile: called between the signal and the wait.

        Raises:
            LabError: no process of the role runs, or the wait timed out.
        """
        before = {*self._restarted}
        kill = self._kill_first(role, number)
        meanwhile()
        another = translate("another {role}", role=translate(role))
        self.until(lambda: (self._restarted - before) & {*self.stack.ready["pids"][role]}, another)
        self.kills.append(kill)
        return kill

    def _kill_first(
        self, role: str, number: signal.Signals = signal.SIGKILL, *, restart: bool = True
    ) -> Kill:
        at, pids = time.time(), self.stack.ready["pids"].get(role)
        if not pids:
            raise LabError("No {role} is running. Start one with lab.start({role!r}).", role=role)
        pid = pids[0]
        self.stack.kill(role, number, pid=pid, restart=restart)
        return Kill(at, pid, role, signal=number.name)

    def _kill_busy(self, restart: bool) -> Kill | None:
        with suppress(TimeoutError):
            return kill_busy_worker(self.stack, self.client, restart=restart, seconds=0.2)
        idle = self.stack.ready["pids"]["worker"] and self.finished()
        return self._kill_first("worker", restart=restart) if idle else None

    def start(self, role: str = "worker") -> None:
        """Start the killed or stopped processes of a role, and wait until they answer.

        Raises:
            LabError: the role is unknown, or a process does not answer.
        """
        with _lab_errors():
            uninterruptible(lambda: self.stack.start(role))

    def send_workers_home(self) -> None:
        """Shut the workers down (SIGTERM), and wait for their end. No worker runs until `start`."""
        self.stack.kill("worker", signal.SIGTERM, restart=False)
        self.until(lambda: not self.stack.ready["pids"]["worker"], "the end of the workers")

    def until_worker_waits(self) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = self.until(self._waits, "a worker that waits for a job")
        return found

    def freeze_idle_worker(self) -> None:
        """Suspend all workers (SIGSTOP) right after one has begun to wait for a job.

        The worker's blocking command must have just begun, since it ends after a second even
        without a job. The connections of suspended workers stay open.
        """
        before = self.until_worker_waits()
        self.until(lambda: self._waits() - before, "a worker that begins to wait for a job")
        self.stack.kill("worker", signal.SIGSTOP)

    def kill_frozen_worker(self) -> Kill:
        """Kill the frozen worker after Redis has sent it a reply, and wait for a new worker."""
        self.until(lambda: not self._waits(), "Redis answering the frozen worker")
        return self.kill_process("worker")

    def _waits(self) -> set[tuple[str, str]]:
        """Return (client id, number of commands) of each connection that waits for a job."""
        waits_in = "brpop" if self.stock else "blpop"
        return {
            (client["id"], client.get("tot-cmds", client["idle"]))  # older servers lack tot-cmds
            for client in self.redis.client_list()
            if client["cmd"] == waits_in and "b" in client["flags"]
        }

    def seen(self) -> Timeline:
        """Return the timeline of each job since the last `new_page`, from the journal in Redis."""
        seen = timelines.read(self.redis, self._since)
        deaths = [one for one in seen.deaths if (one.killed or one.died or 0.0) >= self._page_began]
        return replace(seen, deaths=deaths)

    def post(self, comments: int = 1, readers: int = 1, **fields: Any) -> Posts:
        """Post comments from parallel readers, each of whom waits for the reply.

        Args:
            fields: values for the fields of the comment's form.

        Raises:
            LabError: the web app did not accept a comment.
        """

        def one(number: int) -> Posted:
            given = {"body": f"Comment {number}", **fields}
            began, at = time.perf_counter(), time.time()
            with _lab_errors():
                answer = self.client.comment(**given)
            took = time.perf_counter() - began
            posted = Posted(answer["comment_id"], answer["job_id"], at, took)
            self.posted.append(posted)
            return posted

        numbers = range(len(self.posted) + 1, len(self.posted) + comments + 1)
        if readers == 1:
            return Posts(map(one, numbers))
        with ThreadPoolExecutor(readers) as pool:
            return Posts(pool.map(one, numbers))

    def start_extra(self, name: str, command: list[str], **environment: str) -> ExtraProcess:
        return ExtraProcess(self.stack, self.at_end, name, command, environment)

    def celery(self, *arguments: str) -> ExtraProcess:
        """Start a further Celery worker with these options, and wait until it is ready."""
        options = ["--without-mingle", "--without-gossip", "--loglevel", "WARNING", *arguments]
        command = [sys.executable, "-m", "celery", "-A", "demo_app.worker", "worker", *options]
        worker = self.start_extra("worker", command)
        worker.until_ready(readiness("worker", self.stack.plan, worker.pid))
        return worker

    def ledger(self, posted: Sequence[Posted] | None = None) -> Ledger:
        """Return the ledger of `posted`, or of all comments of this lab if `posted` is None."""
        return count(self.posted if posted is None else posted, self.client, self.kills)

    def new_page(self) -> None:
        """Omit all earlier events and kills from later pictures and ledgers."""
        self._since = journal_end(self.client)
        self._page_began = time.time()
        self.kills.clear()

    def timeline(self) -> Picture:
        """Draw the history of the jobs: each row is a job, and time runs from left to right."""
        seen = self.seen()
        kills = [*self.kills, *self._other_deaths(seen)]
        figure = draw(seen, kills, title=" ", translate=label_of)
        words = describe(seen, kills, translate)
        figure.set_figheight(min(_HIGHEST, max(_LOWEST, 1.9 + 0.3 * len(seen.jobs))))
        if not {job.id for job in seen.jobs} <= {posted.job_id for posted in self.posted}:
            # some jobs send no mail, so there was no comment and no delivery
            figure.axes[0].set_xlabel(label_of("seconds since the first job"), fontsize=12)
            for text in figure.legends[0].get_texts():
                text.set_text(text.get_text().replace(label_of("mail delivered"), label_of("done")))
            words = words.replace(translate(" delivered"), translate(" done"))
        return Picture.of(figure, words + translate("."))

    def _other_deaths(self, seen: Timeline) -> list[Kill]:
        """Return a `Kill` for each reported death of a worker that `kill` did not cause.

        The time of each `Kill` is the time of the death, not of the rescue.
        """
        known = {kill.worker for kill in self.kills}
        return [
            Kill(death.killed, death.pid or 0, death.id, tuple(death.rescued))
            for death in seen.deaths
            if death.id not in known and death.killed
        ]

    def rows(self, question: str, *values: Any) -> list[Any]:
        """Return the rows of an SQL query on the web app's database."""
        with closing(sqlite3.connect(self.stack.plan.folder.path / "blog.sqlite3")) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(question, values).fetchall()

    def map(self) -> Picture:
        return draw_map(self.stack)

    def follow(self, posted: Posted) -> Table:
        """Return a table of the data about one comment in the database, Redis and the inbox.

        Raises:
            LabError: the comment belongs to another lab.
        """
        return steps_of(posted, self.rows, self.redis, self.client)

    def name_of(self, job: str) -> str:
        """Return the job's label: its comment's number, its argument `name`, or its task's name."""
        known = (str(one.comment_id) for one in self.posted if one.job_id == job)
        return next(known, "") or order.name_of(job, self.rows, self.redis)

    def waiting(self, queue: str = "mail") -> list[str]:
        """Return the labels of the jobs that wait in a queue, the next one first."""
        if self.stock:
            return order.waiting_in_stock(self.redis, queue)
        return [*map(self.name_of, reversed(self.redis.lrange(f"queue:{queue}", 0, -1)))]

    def started(self) -> list[str]:
        """Return the labels of the jobs, in the order of their last start."""
        runs = sorted((job.runs[-1].began, job.id) for job in self.seen().jobs if job.runs)
        return [self.name_of(job) for _, job in runs]

    def queue_picture(self) -> Picture:
        return queue_lists.draw([self._moment()], self.name_of)

    def watch(self, seconds: float = 120.0) -> None:
        """Wait like `wait`, and show a moving picture of the queue meanwhile.

        At the end, up to three snapshots replace the moving picture.

        Raises:
            LabError: the wait timed out.
        """
        live = Live()
        moments: list[queue_lists.Moment] = []

        def finished() -> bool:
            if not moments or time.monotonic() - moments[-1].at >= _FRAME:
                with suppress(RedisError):  # Redis may be restarting
                    moments.append(self._moment())
                    live.show(queue_lists.draw(moments[-1:], self.name_of))
            return self.finished()

        self.until(finished, "the end of every job", seconds, silent=True)
        moments.append(self._moment())
        live.show(queue_lists.draw(queue_lists.snapshots(moments), self.name_of))

    def _moment(self) -> queue_lists.Moment:
        return queue_lists.read(self.redis, self.died)


def _demo_variables() -> list[str]:
    return [name for name in os.environ if name.startswith("DEMO_")]


def _set_environment(variables: dict[str, str]) -> None:
    with _lock:
        for name in _demo_variables():
            del os.environ[name]
        os.environ.update(variables)
        settings.cache_clear()
        started_backend.cache_clear()


@contextmanager
def _lab_errors() -> Iterator[None]:
    """Turn an error of the stack into a LabError, which a notebook shows as one sentence."""
    try:
        yield
    except (StackError, httpx.HTTPStatusError) as error:
        raise LabError(str(error)) from None
    except httpx.HTTPError:
        raise LabError("The web app does not answer.") from None


def close_all() -> None:
    while LABS:
        LABS[-1].close()


atexit.register(close_all)
