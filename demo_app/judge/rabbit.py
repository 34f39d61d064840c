"""RabbitMQ as a server of one's own, for a trial."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import subprocess
import time
import urllib.request
from glob import glob
from pathlib import Path

from demo_app.judge.leash import Leash, send_to_all
from demo_app.judge.proxy import Streams
from demo_app.judge.server import DOWN, Server
from demo_app.judge.target import CannotJudge
from demo_app.looks import looks

_CONFIG = """listeners.tcp.1 = 127.0.0.1:{amqp}
default_user = judge
default_pass = {password}
collect_statistics = coarse
collect_statistics_interval = 250
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {figures}
"""
_FILES = ("CONFIG_FILE", "MNESIA_BASE", "LOG_BASE", "ENABLED_PLUGINS_FILE")
#: The queue that the judge's task has.
_QUEUE = 'queue="judged"'


def program() -> Path:
    """Its server, where Debian has it. Raises CannotJudge when it is not installed."""
    for path in glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"):
        return Path(path)
    raise CannotJudge("There is no RabbitMQ here.")


class RabbitServer(Server):
    """See `Server`. folder: its own; the trial removes it."""

    def __init__(self, folder: Path, leash: Leash) -> None:
        names = ("amqp", "figures", "RABBITMQ_DIST_PORT", "ERL_EPMD_PORT")
        self._ports = {name: _free_port() for name in names}
        password = secrets.token_hex(16)
        (folder / "CONFIG_FILE").write_text(_CONFIG.format(**self._ports, password=password))
        self.address = f"amqp://judge:{password}@127.0.0.1:{{}}//"
        self._leash, self._started = leash, list[subprocess.Popen[bytes]]()
        self._environment = {
            **{name: str(port) for name, port in self._ports.items() if name.isupper()},
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # else who guesses Erlang's cookie, from wherever, has a shell here
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "HOME": str(folder),  # for its cookie
            "RABBITMQ_NODENAME": f"{folder.name}@localhost",
            **{f"RABBITMQ_{name}": str(folder / name) for name in _FILES},
            "RABBITMQ_ENABLED_PLUGINS": "rabbitmq_prometheus",
        }

    def start(self) -> None:
        """See `Server`. Raises CannotJudge when it does not answer."""
        self.kill()
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        for command in (["epmd"], [program()]):  # RabbitMQ itself would leave the first one behind
            self._started.append(self._leash.start(command, self._environment, **quiet))
        if not any(self._messages() is not None for _ in looks(120.0)):
            raise CannotJudge("RabbitMQ does not start.")

    def kill(self) -> None:
        """See `Server`."""
        for process in self._started:
            send_to_all(process.pid, signal.SIGKILL)
            process.wait()
        self._started.clear()

    async def connect(self) -> Streams:
        """See `Server`."""
        return await asyncio.open_connection("127.0.0.1", self._ports["amqp"])

    def where(self, text: str) -> tuple[list[str], float | None]:
        """See `Server`. RabbitMQ says how many messages are in a queue, and not which."""
        time.sleep(0.5)  # it counts four times a second
        count = self._messages()
        return DOWN if count is None else ["judged"] * (count > 0), None

    def _messages(self) -> int | None:
        """Those that wait and those that are not acknowledged; None while it does not answer."""
        try:
            with socket.create_connection(("127.0.0.1", self._ports["amqp"]), 2.0):
                url = f"http://127.0.0.1:{self._ports['figures']}/metrics/per-object"
            with urllib.request.urlopen(url, timeout=5.0) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return None
        found = (line for line in lines if line.startswith("rabbitmq_queue_messages{"))
        return sum(int(float(line.split()[-1])) for line in found if _QUEUE in line)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
