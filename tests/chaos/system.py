"""The system under test: a stack in another process, and the pids of its processes.

``python -m chaos.system OPTIONS`` is that process: a supervisor that can be killed too. OPTIONS are
those of `Stack` as JSON. Like ``up --json`` it prints the addresses, and then each process that
dies or starts. The stack stops when standard input is closed.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from demo_app.rig import ports
from demo_app.rig.polling import until
from demo_app.rig.proxy import Proxy
from demo_app.settings import Safeguard, Transport
from demo_app.stack import Stack
from demo_app.stack.roles import ROLES

#: Settings of the campaign for every process.
ENVIRONMENT = {
    "DEMO_DIE_AT": "armed",
    "DEMO_SMTP_SECONDS": "2",
    "DEMO_POISON_PAUSE": "5",
    "DEMO_JOURNAL_LENGTH": "2000000",
    "DEMO_HISTORY_LENGTH": "500000",
    "DEMO_COMMENT_BURST": "1000000",
}
WORKERS = 4
#: The servers behind a proxy, which can break its connections like a faulty network.
WIRES = ("redis", "smtp", "web")


class System:
    """The system under test. Every method may be called from any thread.

    Attributes:
        proxies: from readers to the web app ("web"), from the web app and the workers to Redis, and
            from the workers to the mail server ("smtp").
    """

    def __init__(self, folder: Path, transport: Transport, without: frozenset[Safeguard]) -> None:
        self.folder = folder
        self._options: dict[str, Any] = {
            "dir": str(folder),
            "workers": WORKERS,
            "concurrency": 4,
            "transport": transport,
            "without": sorted(without),
            "web_port": ports.take(0, "the web app"),
            "inbox_port": ports.take(0, "the inbox"),
            "smtp_port": ports.take(0, "the mail server"),
        }
        redis = partial(asyncio.open_unix_connection, folder / "redis/redis.sock")
        self.proxies = {
            "redis": Proxy(redis, folder / "wire.sock"),
            "smtp": Proxy(self._options["smtp_port"]),
            "web": Proxy(self._options["web_port"]),
        }
        self._options["environment"] = {
            **ENVIRONMENT,
            "DEMO_REDIS_URL": f"redis+socket://{folder / 'wire.sock'}",
            "DEMO_SMTP_URL": f"smtp://127.0.0.1:{self.proxies['smtp'].port}",
        }
        self.ready: dict[str, Any] = {}
        self.stopped: set[int] = set()  # pids that are paused with SIGSTOP
        self._host: subprocess.Popen[str] | None = None
        self._pids: dict[str, set[int]] = {role: set() for role in ROLES}
        self._changed = threading.Condition()
        one_at_a_time = (*ROLES, *(f"wire to {name}" for name in WIRES))
        self._locks = {name: threading.Lock() for name in one_at_a_time}

    def start(self, seconds: float = 60.0) -> None:
        """Start the stack, and wait until it is ready.

        Try again after a failure: dying processes of a killed supervisor may still hold a port.

        Raises:
            TimeoutError: the stack does not start in time.
        """
        if not until(self._start, seconds):
            raise TimeoutError("the stack does not start")

    def _start(self) -> bool:
        command = [sys.executable, "-m", "chaos.system", json.dumps(self._options)]
        pipe, silent = subprocess.PIPE, subprocess.DEVNULL
        host = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=silent, start_new_session=True, text=True
        )
        line = host.stdout.readline()
        if not line:
            host.wait()
            return False
        with self._changed:
            self._host, self.ready = host, json.loads(line)
            self._pids = {role: set(pids) for role, pids in self.ready["pids"].items()}
            self._changed.notify_all()
        threading.Thread(target=self._follow, args=(host,), daemon=True).start()
        return True

    def close(self) -> None:
        host, self._host = self._host, None
        if host is not None:
            with suppress(OSError):
                host.stdin.close()
            try:
                host.wait(20.0)
            except subprocess.TimeoutExpired:
                host.kill()
                host.wait()
        for proxy in self.proxies.values():
            proxy.end()

    def kill_supervisor(self) -> None:
        """Kill the supervisor, which ends all its processes too, and start the stack again."""
        with self._changed:
            self._pids = {role: set() for role in ROLES}
        self._host.kill()
        self._host.wait()
        self.start()

    def pids(self, role: str) -> list[int]:
        """Return the role's living processes that are not paused."""
        with self._changed:
            return sorted(self._pids[role] - self.stopped)

    def wait(self, fits: Callable[[], bool], seconds: float) -> bool:
        """Wait until `fits()` is true. Return False on a timeout.

        `fits` is called whenever a process starts or dies.
        """
        with self._changed:
            return self._changed.wait_for(fits, seconds)

    def alive(self, role: str, seconds: float = 30.0) -> list[int]:
        """Wait until the role has a living process that is not paused.

        Return the pids of all such processes, or [] on a timeout.
        """
        self.wait(lambda: bool(self._pids[role] - self.stopped), seconds)
        return self.pids(role)

    def all_up(self, seconds: float = 60.0) -> bool:
        """Wait until each role has all its processes. Return False on a timeout."""
        complete = dict.fromkeys(ROLES, 1) | {"worker": WORKERS}
        pairs = complete.items()
        return self.wait(lambda: all(len(self._pids[role]) >= n for role, n in pairs), seconds)

    def only_one(self, name: str) -> threading.Lock:
        """Return the lock of a role or a connection.

        A fault that lasts must hold the lock, so that two such faults do not overlap.
        """
        return self._locks[name]

    def signal(self, pid: int, number: signal.Signals) -> bool:
        """Send a signal to a process of the stack and its children, and update `stopped`.

        Return False if the process is gone.
        """
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return False
        with self._changed:
            if number is signal.SIGSTOP:
                self.stopped.add(pid)
            elif number is signal.SIGCONT:
                self.stopped.discard(pid)
        return True

    def one_of(self, role: str, chance: random.Random) -> int | None:
        """Wait until the role has a living process that is not paused.

        Return the pid of a random one, or None on a timeout.
        """
        living = self.alive(role)
        return chance.choice(living) if living else None

    def _follow(self, host: subprocess.Popen[str]) -> None:
        for line in host.stdout:
            event = json.loads(line)
            with self._changed:
                if host is not self._host:
                    return
                if event["event"] == "died":
                    self._pids[event["role"]].discard(event["pid"])
                    self.stopped.discard(event["pid"])
                elif event["event"] == "started":
                    self._pids[event["role"]].add(event["pid"])
                self._changed.notify_all()


def main() -> None:
    printing = threading.Lock()
    announced = threading.Event()

    def write(what: dict[str, Any]) -> None:
        with printing:
            print(json.dumps(what), flush=True)

    def on_event(event: dict[str, Any]) -> None:
        announced.wait()
        write(event)

    try:
        with Stack(on_event, **json.loads(sys.argv[1])) as stack:
            write({**stack.ready, "environment": stack.plan.environment()})
            announced.set()
            sys.stdin.read()
    finally:
        announced.set()


if __name__ == "__main__":
    main()
