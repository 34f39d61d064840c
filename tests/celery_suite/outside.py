"""A Celery app outside this project, in a separate folder, and its workers.

The task `pack` writes a line into a file at its start and at its end, so a test can count the runs
of each parcel, including those in killed workers. `pack` can wait until the test creates a file,
the gate. The task `nothing` does nothing.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import redis
from celery import Celery
from support import patience

from demo_app.broker.connection import AS_TEXT
from demo_app.broker.queue import Queue
from demo_app.rig.polling import poll
from demo_app.rig.ports import take
from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.proxy import Proxy, Streams
from demo_app.rig.redis_server import RedisServer

REPOSITORY = Path(__file__).parent.parent.parent

APP = """
import json, os, signal, time

from celery import Celery

if os.environ["BROKER"].startswith("claims"):
    import demo_app.broker

app = Celery("shop", broker=os.environ["BROKER"])
app.conf.update(json.loads(os.environ["SETTINGS"]))


def note(what, parcel):
    with open("notes.txt", "a") as notes:
        notes.write(f"{what} {parcel} {os.getpid()}\\n")


@app.task(name="shop.pack")
def pack(parcel, seconds=0.0, kills="", gate=""):
    note("started", parcel)
    while gate and not os.path.exists(gate):
        time.sleep(0.01)
    if kills == "process":
        os.kill(os.getpid(), signal.SIGKILL)
    if kills == "worker":  # with all its processes
        os.killpg(0, signal.SIGKILL)
    time.sleep(seconds)
    note("ended", parcel)


@app.task(name="shop.nothing")
def nothing():
    pass
"""


#: Only the subcommand `worker`: the command `celery` first loads all subcommands, also Flower's,
#: which takes longer than the rest of a worker's start.
WORKER = """
from celery.bin.base import CLIContext
from celery.bin.worker import worker
from shop import app

context = CLIContext(app, no_color=False, workdir=None)
worker.main(prog_name="celery worker", obj=context, auto_envvar_prefix="CELERY_WORKER")
"""


class Shop:
    """The app in a folder, its Redis server, and its workers.

    Attributes:
        transport: stock or claims.
        settings: Celery's settings.
        link: a proxy to Redis. The workers connect through it, so that a test can break the
            connections. The producers of `app` connect to Redis directly.
        leads_to: the port to which `link` leads.
    """

    def __init__(
        self, folder: Path, transport: str, pool: str = "prefork", **settings: Any
    ) -> None:
        self.folder, self.transport, self.pool, self.settings = folder, transport, pool, settings
        folder.mkdir(exist_ok=True)
        (folder / "shop.py").write_text(APP)
        (folder / "worker.py").write_text(WORKER)
        self.notes = folder / "notes.txt"
        self.notes.touch()
        self.port = take(0, "Redis")
        self.workers: list[subprocess.Popen[bytes]] = []
        self.group = ProcessGroup()
        self.server = RedisServer(self.group, port=self.port)
        self.server.start()
        self.redis = redis.Redis(port=self.port, **AS_TEXT)
        self.queue = Queue(self.redis)  #: used only on claims
        self.leads_to = self.port
        self.link = Proxy(self._connect)
        self.link_port = self.link.port

    async def _connect(self) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self.leads_to)

    def add(self, text: str) -> None:
        with (self.folder / "shop.py").open("a") as app:
            app.write(text)

    def broker(self, port: int) -> str:
        scheme = "claims+redis" if self.transport == "claims" else "redis"
        return f"{scheme}://127.0.0.1:{port}/0"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.group.environment,
            "TMPDIR": str(self.folder),  # the files of a killed pool are deleted with the test
            "BROKER": self.broker(self.link_port),
            "SETTINGS": json.dumps(self.settings),
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]),
        }

    def start(self, command: list[str], output: IO[str]) -> subprocess.Popen[bytes]:
        outputs = {"stdout": output, "stderr": subprocess.STDOUT}
        return self.group.start(command, self.environment, cwd=self.folder, **outputs)

    def start_worker(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a worker in a new process group, and wait until it is ready."""
        number = len(self.workers) + 1
        log = self.folder / f"worker-{number}.log"
        command = [sys.executable, "worker.py", "--loglevel", "INFO"]
        command += ["--pool", self.pool, "--concurrency", "2", "--hostname", f"w{number}@here"]
        with log.open("w") as output:
            worker = self.start([*command, *options], output)
        self.workers.append(worker)
        self.until(lambda: " ready." in log.read_text(), f"worker {number}", worker)
        return worker

    def app(self) -> Celery:
        """Return the app for a producer in this process. The caller closes it."""
        if self.transport == "claims":
            import demo_app.broker  # noqa: F401  # registers the transport
        app = Celery("shop", broker=self.broker(self.port))
        app.conf.update(self.settings)
        return app

    def order(
        self,
        *parcels: str,
        sending: dict[str, Any] | None = None,
        task: str = "shop.pack",
        **arguments: Any,
    ) -> list[str]:
        """Enqueue a job for each parcel, and return the job ids.

        Args:
            sending: options of Celery's `send_task` (countdown, queue, priority, ...).
            arguments: further arguments of the task.
        """
        with self.app() as app:
            return [
                app.send_task(task, kwargs={"parcel": parcel, **arguments}, **(sending or {})).id
                for parcel in parcels
            ]

    def times(self, what: str) -> Counter[str]:
        """Return the number of events of this kind for each parcel.

        Args:
            what: the kind that the task passed to `note`, such as "started" or "ended".
        """
        lines = (line.split() for line in self.notes.read_text().splitlines())
        return Counter(line[1] for line in lines if line[0] == what)

    def open_gate(self) -> None:
        (self.folder / "open").touch()

    def until_started(self, *parcels: str) -> None:
        self.until(lambda: set(parcels) <= set(self.times("started")), "a start")

    def lost(self, parcels: Iterable[str], seconds: float) -> set[str]:
        """Wait until all parcels have ended. Return those that have not after `seconds` seconds."""
        # do not extend the timeout for stock: it never runs a lost job again
        if self.transport == "claims":
            seconds = patience(seconds)
        left = set(parcels)
        for _ in poll(seconds):
            if not (left := left - set(self.times("ended"))):
                break
        if left and self.transport == "claims":  # pytest shows this output if the test fails
            print(self.queue.snapshot(20, 20))
            print(*(log.read_text() for log in self.folder.glob("worker-*.log")), sep="\n")
        return left

    def logged(self, text: str) -> int:
        return sum(log.read_text().count(text) for log in self.folder.glob("worker-*.log"))

    def queued(self) -> int:
        return int(self.redis.llen("queue:celery" if self.transport == "claims" else "celery"))

    def in_hand(self) -> int:
        """Return the number of jobs that workers have received and not acknowledged."""
        return int(self.redis.hlen("running" if self.transport == "claims" else "unacked"))

    def given_up(self) -> int:
        """Return the number of dead jobs on claims; 0 on stock, which has no dead jobs."""
        return int(self.redis.zcard("dead"))

    def count(self, state: str) -> int:
        """Return the number of jobs in this state. Only for the transport claims."""
        return self.queue.snapshot().count[state]

    def until_done(self, jobs: int, seconds: float = 60) -> None:
        """Wait until the number of done jobs is `jobs`. Only for the transport claims."""
        self.until(lambda: self.count("done") == jobs, f"{jobs} jobs done", seconds=seconds)

    def waits(self) -> bool:
        """Return True if a worker is blocked in Redis, waiting for a job."""
        return any("b" in client["flags"] for client in self.redis.client_list())

    def until(
        self,
        condition: Any,
        what: str,
        process: subprocess.Popen[bytes] | None = None,
        seconds: float = 40,
    ) -> None:
        """Wait until `condition()` is true.

        Args:
            what: the event, for the error message.
            process: stop waiting if this process ends.
            seconds: timeout for an idle machine; longer on a busy one.

        Raises:
            TimeoutError: on a timeout, or if `process` has ended.
        """
        died = False
        for _ in poll(patience(seconds)):
            if condition():
                return
            if died := process is not None and process.poll() is not None:
                break
        tails = [log.read_text()[-3000:] for log in self.folder.glob("worker-*.log")]
        why = "the process has ended" if died else "timed out"
        raise TimeoutError("\n".join([f"{what}: {why}", *tails]))

    def close(self) -> None:
        self.link.end()
        self.redis.close()
        self.server.kill()
        self.group.end()


def signal_group(worker: subprocess.Popen[bytes], number: int) -> None:
    """Send the signal to the worker and all its children, as ``systemctl stop`` does."""
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, number)
