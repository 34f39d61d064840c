"""A Celery app of some other folder, with nothing of this project but the broker.

Each test starts real workers of it, breaks something, and counts what the tasks wrote down.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from support import client_of, most_thorough, until

from demo_app.broker.inspect import get_job
from demo_app.broker.queue import Queue
from demo_app.broker.snapshot import Snapshot
from demo_app.judge.leash import Leash

ROOT = Path(__file__).parents[2]

APP = """
import os
import signal
import time
from datetime import datetime, timezone

import demo_app.broker
from celery import Celery

app = Celery("outside", broker=os.environ["BROKER"])
app.conf.accept_content = ["json", "pickle"]
HERE = os.path.dirname(__file__)


def write(line):
    with open(os.path.join(HERE, "out.txt"), "a") as out:
        out.write(f"{line} {os.getpid()}\\n")


def wait_for(name):
    while not os.path.exists(os.path.join(HERE, name)):
        time.sleep(0.01)


@app.task
def work(name, gate="open"):
    write(f"begin {name}")
    wait_for(gate)
    write(f"end {name}")


@app.task(bind=True)
def twice(self, name, countdown=0.1):
    write(f"try {name} {self.request.retries}")
    if self.request.retries == 0:
        raise self.retry(countdown=countdown)


@app.task(bind=True)
def punctual(self, name):
    write(f"due {name} {datetime.fromisoformat(self.request.eta) <= datetime.now(timezone.utc)}")


@app.task(bind=True)
def header(self):
    moment = self.request.headers["moment"] if self.request.headers else self.request.moment
    write(f"moment {type(moment).__name__} {moment.year}")


@app.task
def poison(name):
    write(f"begin {name}")
    os.kill(os.getpid(), signal.SIGKILL)


@app.task
def look_at(queue):
    with app.connection_for_read() as connection:
        connection.SimpleQueue(queue).get(timeout=30)
    write(f"looked at {queue}")


@app.task(reject_on_worker_lost=False)
def give_up(name):
    write(f"begin {name}")
    os.kill(os.getpid(), signal.SIGKILL)
"""

POOLS = pytest.mark.parametrize("pool", most_thorough(["prefork", "threads"], "prefork"))

#: Runs each program that it is told of in a process of its own, which has Celery from the start: to
#: load it takes ten times as long as what the program does.
PROGRAMS = """
import json, os, sys
import celery.app.amqp, celery.app.control, celery.bin.celery, demo_app.broker.transport

for line in sys.stdin:
    told = json.loads(line)
    if os.fork() == 0:
        for number, name in enumerate(("/dev/null", told["out"], told["err"])):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
        os.environ.update(told["environment"])
        os.chdir(told["folder"])
        sys.path[0] = told["folder"]
        sys.argv = told["words"]
        exec(told["text"], {"__name__": "__main__"})
        sys.stdout.flush()
        os._exit(0)  # Python's own end would take longer than the program
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


class Outside:
    """The app's folder, its workers, and what its tasks wrote down."""

    def __init__(self, folder: Path, redis_url: str, programs: subprocess.Popen[str]) -> None:
        self.folder, self._url, self._programs = folder, redis_url, programs
        (folder / "outside.py").write_text(APP)
        self._client = client_of(redis_url)
        self.queue = Queue(self._client)
        self.workers: list[subprocess.Popen[bytes]] = []
        self._leash = Leash()  # what this process has started ends with it, even if it is killed

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that knows the app, and no setting of this project."""
        path = os.pathsep.join([str(self.folder), str(ROOT), *_python_path()])
        broker = self._url.replace("redis+socket://", "claims+unix://")
        return {
            **self._leash.environment,
            "PYTHONPATH": path,
            "BROKER": broker,
            "TMPDIR": str(self.folder),  # what a killed pool leaves goes with the test
        }

    def send(self, *calls: str) -> list[str]:
        """Run calls in a producer's process; returns the lines that it printed."""
        told = self._run("\n".join(["from outside import *", *calls]))
        assert told.returncode == 0, told.stderr
        return told.stdout.splitlines()

    def celery(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Celery to its end."""
        text = "from celery.__main__ import main; main()"
        return self._run(text, "celery", "-A", "outside", *arguments)

    def _run(self, text: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, in a process of its own. words: its command line."""
        out, err = (self.folder / f"program.{name}" for name in ("out", "err"))
        told = {"text": text, "words": words, "environment": self.environment}
        told |= {"folder": str(self.folder), "out": str(out), "err": str(err)}
        assert self._programs.stdin is not None
        assert self._programs.stdout is not None
        self._programs.stdin.write(json.dumps(told) + "\n")
        self._programs.stdin.flush()
        status = int(self._programs.stdout.readline())
        return subprocess.CompletedProcess(words, status, out.read_text(), err.read_text())

    def start(self, pool: str, concurrency: int = 2) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until it is registered."""
        command = [sys.executable, "-m", "celery", "-A", "outside", "worker", "-P", pool]
        before = self.snapshot().workers
        log = (self.folder / f"worker{len(self.workers)}.log").open("wb")
        worker = subprocess.Popen(
            [*command, "-c", str(concurrency), "-l", "INFO"],
            env=self.environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        log.close()
        self._leash.hold(worker.pid)
        self.workers.append(worker)
        known = {one["id"] for one in before}
        until(
            lambda: {one["id"] for one in self.snapshot().workers if one["alive"]} - known,
            what="the worker's registration",
        )
        return worker

    def close(self) -> None:
        """End every process of the app."""
        self._leash.end()
        for worker in self.workers:
            worker.wait()

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """SIGKILL to the worker and to every process of its pool."""
        for process in [*psutil.Process(worker.pid).children(recursive=True), worker]:
            process.kill()
        worker.wait()

    def stop(self, worker: subprocess.Popen[bytes]) -> int:
        """SIGTERM; returns the exit status."""
        worker.terminate()
        return worker.wait(timeout=200)

    def snapshot(self) -> Snapshot:
        """What Redis says of jobs and workers."""
        return self.queue.snapshot()

    def count(self, state: str) -> int:
        """How many jobs are in a state."""
        return self.snapshot().count[state]

    def written(self) -> Counter[str]:
        """How often each line was written."""
        out = self.folder / "out.txt"
        lines = out.read_text().splitlines() if out.exists() else []
        return Counter(line.rpartition(" ")[0] for line in lines)

    def lines(self) -> list[str]:
        """What the tasks wrote, in order."""
        return (self.folder / "out.txt").read_text().splitlines()

    def history(self, job_id: str) -> dict[str, float]:
        """When each event of a job was, by Redis' clock; the last one of each kind."""
        job = get_job(self._client, job_id)
        assert job is not None
        return {event.event: event.at for event in job.timeline}

    def open_gate(self) -> None:
        """Let the tasks that wait at the gate end."""
        (self.folder / "open").touch()

    def let_come_due(self) -> None:
        """What waits for its next try need not wait any longer."""
        for job in self._client.zrange("retrying", 0, -1):
            self._client.zadd("retrying", {job: 0})

    def until_done(self, jobs: int) -> None:
        """Wait until so many jobs are done."""
        until(lambda: self.count("done") == jobs, seconds=60, what=f"{jobs} jobs done")


def _python_path() -> list[str]:
    """Where this process looks first: there may be another version of Celery."""
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


@pytest.fixture(scope="module")
def programs() -> Iterator[subprocess.Popen[str]]:
    """What runs the programs of all tests."""
    command = [sys.executable, "-c", PROGRAMS]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as running:
        yield running  # it ends when nobody can tell it anything any more


@pytest.fixture
def app(tmp_path: Path, redis_url: str, programs: subprocess.Popen[str]) -> Iterator[Outside]:
    """An app of some other folder."""
    app = Outside(tmp_path, redis_url, programs)
    client_of(redis_url).flushall()
    try:
        yield app
    finally:
        app.close()


@POOLS
def test_of_a_killed_worker_nothing_is_lost_and_no_finished_job_runs_again(
    app: Outside, pool: str
) -> None:
    first = app.start(pool)
    (app.folder / "at_once").touch()
    app.send("for n in range(5): work.delay(f'early{n}', gate='at_once')")
    app.until_done(5)
    app.send("for n in range(6): work.delay(f'late{n}')")
    until(lambda: sum(app.written()[f"begin late{n}"] for n in range(6)) == 2, what="two running")
    app.kill(first)
    app.start(pool)
    app.open_gate()
    app.until_done(11)
    written = app.written()
    assert all(written[f"begin early{n}"] == 1 for n in range(5))
    assert all(written[f"end late{n}"] == 1 for n in range(6))
    assert sum(written[f"begin late{n}"] for n in range(6)) == 8, "only what ran was begun again"


def _seconds_since(app: Outside, stream_id: str) -> float:
    now: Any = app.queue.client.time()
    return float(now[0]) - float(stream_id.partition("-")[0]) / 1000


def test_inspect_is_answered_and_claims_nothing(app: Outside) -> None:
    app.start("threads", concurrency=1)
    app.send("for n in range(4): work.delay(n)")
    until(lambda: app.written()["begin 0"], what="the first job")
    told = app.celery("inspect", "ping")
    assert "pong" in told.stdout, told
    active = app.celery("inspect", "active")
    assert "outside.work" in active.stdout, active
    assert len(app.snapshot().workers) == 1, "who asks is no worker"
    app.open_gate()
    app.until_done(4)
    assert app.snapshot().count["enqueued"] == 4, "questions and replies are no jobs"


@pytest.mark.thorough
def test_inspect_scheduled_lists_what_waits_in_redis_for_the_workers_queues(app: Outside) -> None:
    app.start("threads")
    app.send(
        "work.apply_async((1,), {'gate': 'x'}, countdown=200)",
        "work.apply_async((2,), countdown=100, serializer='pickle')",
        "work.apply_async((3,), countdown=300, queue='other')",
        "twice.delay('again', countdown=150)",
    )
    until(lambda: app.count("retrying") == 1, what="the retry")
    (told,) = json.loads(app.celery("inspect", "scheduled", "--json").stdout).values()
    listed = [(one["request"]["name"], one["request"]["args"]) for one in told]
    assert listed == [
        ("outside.work", "(2,)"),
        ("outside.twice", ["again"]),
        ("outside.work", [1]),
    ]
    assert all(datetime.fromisoformat(one["eta"]) > datetime.now(UTC) for one in told)


@pytest.mark.thorough
def test_a_cold_shutdown_gives_back_at_once_and_is_no_jobs_fault(app: Outside) -> None:
    worker = app.start("prefork", concurrency=1)
    app.send("for n in range(3): work.delay(n)")
    until(lambda: app.written()["begin 0"], what="the first job")
    worker.send_signal(signal.SIGQUIT)
    worker.wait(timeout=200)
    now = app.snapshot()
    assert (now.count["queued"], now.count["running"], now.workers) == (3, 0, [])
    assert not app.queue.client.exists("deaths")


@POOLS
def test_the_end_of_a_job_brings_the_next_one_in_the_same_step(app: Outside, pool: str) -> None:
    ids = app.send("for n in range(12): print(work.delay(n).id)")
    app.start(pool, concurrency=1)
    app.open_gate()
    app.until_done(12)
    histories = [app.history(job_id) for job_id in ids]
    ended = {history["done"] for history in histories}
    assert len([one for one in histories if one["claimed"] in ended]) >= 4  # the first were fetched
    assert [line.split()[1] for line in app.lines() if "begin" in line] == list(map(str, range(12)))


@POOLS
def test_a_rate_limit_holds_for_the_jobs_that_others_bring(app: Outside, pool: str) -> None:
    app.start(pool)
    app.celery("control", "rate_limit", "outside.work", "4/s")
    app.open_gate()
    ids = app.send("for n in range(9): print(work.delay(n).id)")
    app.until_done(9)
    ended = sorted(app.history(job_id)["done"] for job_id in ids)
    assert ended[-1] - ended[0] > 1.0


@POOLS
def test_a_worker_told_to_leave_a_queue_takes_nothing_more_from_it(app: Outside, pool: str) -> None:
    app.start(pool, concurrency=1)
    app.send("for n in range(20): work.delay(n)")
    until(lambda: app.written()["begin 0"], what="the first job")
    told = app.celery("control", "cancel_consumer", "celery")
    assert "no longer consuming" in told.stdout
    app.open_gate()
    until(lambda: app.count("running") == 0, what="the end of what it had")
    assert app.count("queued") >= 12


def test_a_task_that_has_waited_for_its_eta_can_read_it(app: Outside) -> None:
    app.start("threads")
    app.send("punctual.apply_async(('x',), countdown=0.5)")
    app.until_done(1)
    assert app.written()["due x True"] == 1
    app.send("app.conf.task_protocol = 1", "punctual.apply_async(('old',), countdown=1)")
    until(lambda: any("due old" in line for line in app.written()), what="the old protocol's ETA")
    assert app.written()["due old True"] == 1


@POOLS
def test_a_retry_is_one_job_that_is_never_at_two_places(app: Outside, pool: str) -> None:
    app.start(pool)
    app.send("for n in range(5): twice.delay(n)")
    app.until_done(5)
    written = app.written()
    assert all(written[f"try {n} {again}"] == 1 for n in range(5) for again in (0, 1))
    assert app.count("enqueued") == 5


@POOLS
def test_who_waits_for_the_result_of_a_poisonous_task_is_told(app: Outside, pool: str) -> None:
    with (app.folder / "outside.py").open("a") as text:
        text.write("url = os.environ['BROKER'].replace('claims+unix', 'redis+socket')\n")
        text.write("app.conf.result_backend = url\n")
        text.write("app.conf.broker_transport_options = {'max_rescues': 0, 'poison_pause': 0.1}\n")
    for _ in range(3):  # with threads the job takes two workers with it, and the third buries it
        app.start(pool, concurrency=1)
    (told,) = app.send("print(repr(poison.delay('p').get(timeout=200, propagate=False)))")
    assert told.startswith("WorkerLostError"), told
    assert app.count("dead") == 1


@pytest.mark.thorough
def test_a_job_that_another_only_looked_at_goes_back_into_its_queue(app: Outside) -> None:
    """The process of the pool that had it lives on, and is no worker itself."""
    app.start("prefork")
    app.send("work.apply_async(['parcel'], queue='parcels')", "look_at.delay('parcels')")
    app.until_done(1)
    assert app.written()["looked at parcels"] == 1
    until(lambda: app.count("queued") == 1, what="the job's return")


@pytest.mark.thorough
def test_a_task_that_asks_not_to_be_given_back_is_not(app: Outside) -> None:
    app.start("prefork", concurrency=1)
    app.open_gate()
    app.send("give_up.delay('g')", "work.delay('after')")
    until(lambda: app.written()["end after"], what="the next job")
    until(lambda: app.count("running") + app.count("queued") == 0, what="its end")
    assert app.written()["begin g"] == 1


def test_arguments_arrive_as_they_were_sent(app: Outside) -> None:
    app.start("threads")
    app.open_gate()
    app.send(
        "work.delay('by position', 'open')",
        "work.apply_async(('pickled',), serializer='pickle')",
        "work.apply_async(('small',), compression='zlib')",
        "work.delay(name='naïve ユニコード')",
    )
    app.until_done(4)
    for name in ("by position", "pickled", "small", "naïve ユニコード"):
        assert app.written()[f"end {name}"] == 1, name


@POOLS
def test_a_moment_in_a_header_of_ones_own_arrives_as_a_moment(app: Outside, pool: str) -> None:
    app.start(pool)
    app.send("header.apply_async(headers={'moment': datetime(2026, 1, 2, tzinfo=timezone.utc)})")
    app.until_done(1)
    assert app.written()["moment datetime 2026"] == 1


def test_what_has_expired_is_discarded(app: Outside) -> None:
    app.open_gate()
    app.send("work.apply_async(('old',), expires=-1)", "work.delay('new')")
    app.start("threads")
    app.until_done(1)
    until(lambda: app.count("discarded") == 1, what="the discard")
    assert "begin old" not in app.written()


def test_what_was_revoked_is_discarded(app: Outside) -> None:
    app.start("threads", concurrency=1)
    app.send("work.delay('first')")
    until(lambda: app.written()["begin first"], what="the first job")
    app.send(
        "later = work.apply_async(('second',), countdown=1)",
        "app.control.revoke(later.id)",
    )
    until(lambda: app.count("scheduled") == 0, what="its time")
    app.open_gate()
    until(lambda: app.count("discarded") == 1, what="the discard")
    app.until_done(1)
    assert "begin second" not in app.written()


@pytest.mark.thorough
def test_a_running_task_that_is_terminated_is_discarded(app: Outside) -> None:
    app.start("prefork", concurrency=1)
    (told,) = app.send("print(work.delay('x').id)")
    until(lambda: app.written()["begin x"], what="its start")
    app.send(f"app.control.revoke({told!r}, terminate=True, signal='SIGKILL')")
    until(lambda: app.count("discarded") == 1, what="the discard")
    assert app.count("running") == 0
    assert app.written()["begin x"] == 1


def test_purge_discards_what_waits_and_says_how_much(app: Outside) -> None:
    app.send("for n in range(7): work.delay(n)")
    told = app.celery("purge", "-f")
    assert "7" in told.stdout, told
    now = app.snapshot().count
    assert (now["queued"], now["discarded"], now["enqueued"]) == (0, 7, 7)


@POOLS
def test_a_job_that_ends_after_its_connection_broke_is_acknowledged(
    app: Outside, pool: str
) -> None:
    app.start(pool, concurrency=1)
    app.send("work.delay('x')")
    until(lambda: app.written()["begin x"], what="its start")
    app.queue.client.client_kill_filter(_type="normal", skipme=True)
    log = app.folder / "worker0.log"
    until(lambda: log.read_text().count("Connected to") == 2, what="a new connection")
    app.open_gate()
    app.until_done(1)
    assert app.written()["begin x"] == 1
    app.send("work.delay('y')")
    app.until_done(2)


def test_a_job_that_its_process_has_not_yet_begun_when_the_connection_breaks_runs_once(
    app: Outside,
) -> None:
    worker = app.start("prefork", concurrency=1)
    app.open_gate()
    [child] = psutil.Process(worker.pid).children()
    child.suspend()
    app.send("work.delay('x')")
    until(lambda: app.count("running") == 1, what="its claim")
    app.queue.client.client_kill_filter(_type="normal", skipme=True)
    log = app.folder / "worker0.log"
    until(lambda: log.read_text().count("Connected to") == 2, what="a new connection")
    first = app.queue.client.xadd("test:beats", {"at": "now"})
    until(lambda: _seconds_since(app, str(first)) > 5, what="two looks for what Celery dropped")
    child.resume()
    app.until_done(1)
    app.send("work.delay('y')")
    app.until_done(2)
    assert app.written()["begin x"] == 1


def test_a_worker_takes_only_from_the_queues_that_it_was_told(app: Outside) -> None:
    app.open_gate()
    app.send("work.apply_async(('other',), queue='other')", "work.delay('usual')")
    app.start("threads")
    app.until_done(1)
    assert app.count("queued") == 1
    assert "begin other" not in app.written()


@pytest.mark.thorough
def test_after_a_broken_connection_a_worker_holds_no_more_than_it_can_run(app: Outside) -> None:
    with (app.folder / "outside.py").open("a") as text:
        text.write("app.conf.worker_prefetch_multiplier = 1\n")
        text.write("app.conf.worker_enable_prefetch_count_reduction = False\n")
    app.start("threads", concurrency=2)
    app.send("work.delay('old')")
    until(lambda: app.written()["begin old"], what="its start")
    app.queue.client.client_kill_filter(_type="normal", skipme=True)
    log = app.folder / "worker0.log"
    until(lambda: log.read_text().count("Connected to") == 2, what="a new connection")
    (app.folder / "for_one").touch()
    app.send("for n in range(5): work.delay(n, gate='for_one')", "work.delay('last')")
    app.until_done(5)  # one place was free, and five jobs have passed through it
    journal = app.queue.client.xrange("journal")
    assert _most_at_once(journal) == 2
    app.open_gate()
    app.until_done(7)


def _most_at_once(journal: Any) -> int:
    """How many jobs were claimed at once, by what the journal says."""
    held: set[str] = set()
    most = 0
    for _, entry in journal:
        if entry["event"] == "claimed":
            held.add(entry["job"])
        elif entry["job"]:
            held.discard(entry["job"])
        most = max(most, len(held))
    return most
