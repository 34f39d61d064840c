"""Jupyter kernels for tests, and a check that nothing is left after them."""

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager
from support import marked, until

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
Output = dict[str, Any]


class CellFailed(AssertionError):
    """The failure or timeout of a cell. The message contains the cell's source."""


@dataclass(slots=True)
class Kernel:
    """A running kernel.

    Attributes:
        mark: an id in the environment of each process that the kernel starts.
    """

    manager: KernelManager
    client: BlockingKernelClient
    mark: str
    tmp: Path
    #: The TCP ports of the new kernel, for its own use. `connections` ignores them.
    ports: frozenset[int] = frozenset()
    #: The longest time without output in the last cell (seconds).
    silence: float = 0.0

    def run(self, source: str, seconds: float = 240.0) -> list[Output]:
        """Run a cell and return its outputs.

        Raises:
            CellFailed: the cell failed, or did not end within `seconds`.
        """
        outputs, reply = self.try_to_run(source, seconds)
        # Jupyter cancels a cell that is sent too soon after a failed one
        while reply["status"] == "aborted":
            outputs, reply = self.try_to_run(source, seconds)
        if reply["status"] == "error":
            raise CellFailed(f"{source}\n{reply['ename']}: {reply['evalue']}")
        return outputs

    def try_to_run(
        self, source: str, seconds: float = 240.0, when_busy: Callable[[], object] | None = None
    ) -> tuple[list[Output], dict[str, Any]]:
        """Run a cell. Return its outputs and the kernel's reply, even if the cell fails.

        Args:
            when_busy: called when the kernel starts the cell, or None.

        Raises:
            CellFailed: the cell did not end within `seconds`.
        """
        outputs: list[Output] = []
        displays: dict[str, Output] = {}
        states: list[str] = []
        last_message, self.silence = time.monotonic(), 0.0

        def receive(message: dict[str, Any]) -> None:
            nonlocal last_message
            now, content = time.monotonic(), message["content"]
            last_message, self.silence = now, max(self.silence, now - last_message)
            if message["msg_type"] == "status":
                states.append(content["execution_state"])
                if states[-1] == "busy" and when_busy is not None:
                    when_busy()
            elif message["msg_type"] == "update_display_data":
                displays[content["transient"]["display_id"]]["data"] = content["data"]
            elif message["msg_type"] == "stream" and outputs and "text" in outputs[-1]:
                outputs[-1]["text"] += content["text"]
            elif message["msg_type"] in ("stream", "execute_result", "display_data"):
                outputs.append({key: content[key] for key in ("text", "data") if key in content})
                displays[content.get("transient", {}).get("display_id", "")] = outputs[-1]

        try:
            given = {"timeout": seconds, "allow_stdin": False, "output_hook": receive}
            reply = self.client.execute_interactive(source, **given)
        except TimeoutError:
            if when_busy is not None and states[-1:] == ["idle"]:
                # an interrupt that comes before the cell's first line prevents the kernel's reply
                return outputs, {"status": "error", "ename": "KeyboardInterrupt", "evalue": ""}
            raise CellFailed(f"no end within {seconds:.0f} s, shown: {outputs}\n{source}") from None
        return outputs, reply["content"]

    def processes(self) -> list[psutil.Process]:
        """Return the living processes that were started from the kernel."""
        return [one for one in marked("LESSON_MARK", self.mark) if not _is_kernel(one)]

    def stacks(self) -> set[str]:
        ids = {process.info["environ"].get("DEMO_STACK_ID", "") for process in self.processes()}
        return ids - {""}

    def nothing_is_left(self) -> None:
        """Wait until the processes that the kernel started, their socket files and the kernel's
        connections are gone. Fail on a timeout."""
        until(lambda: not self.processes(), 30.0, "the end of every process")
        until(lambda: not list(self.tmp.glob("**/*.sock")), 30.0, "the end of every socket")
        left = self.connections()
        until(lambda: not self.connections(), 30.0, f"the end of connections (of {left})")

    def connections(self) -> frozenset[tuple[int, int]]:
        """Return the kernel's TCP sockets as pairs (own port, remote port; 0 if there is none),
        except those that it had at its start."""
        (process,) = filter(_is_kernel, marked("LESSON_MARK", self.mark))
        return frozenset(
            (connection.laddr.port, connection.raddr.port if connection.raddr else 0)
            for connection in process.net_connections("tcp")
            if connection.laddr.port not in self.ports
        )


@contextmanager
def kernel(folder: Path = NOTEBOOKS) -> Iterator[Kernel]:
    """Yield a new kernel. After its shutdown, fail if a process or a socket file is left.

    Its channels are unix sockets: a TCP port that was chosen before the kernel binds it could be
    taken by a parallel test.
    """
    mark, tmp = uuid.uuid4().hex, Path(tempfile.mkdtemp(prefix="k-"))
    env = {**os.environ, "LESSON_MARK": mark, "TMPDIR": str(tmp)}
    manager = KernelManager(transport="ipc", ip=str(tmp / "kernel"))
    manager.start_kernel(cwd=str(folder), env=env)
    client = manager.blocking_client()
    try:
        client.start_channels()
        client.wait_for_ready(60)
        here = Kernel(manager, client, mark, tmp)
        here.run("")
        here.ports = frozenset(port for port, _ in here.connections())
        yield here
        client.stop_channels()
        manager.shutdown_kernel()
        until(lambda: not marked("LESSON_MARK", mark), what="the end of the lesson's processes")
        assert not list(tmp.glob("**/*.sock")), "a socket is left"
    finally:
        manager.shutdown_kernel(now=True)
        for process in marked("LESSON_MARK", mark):
            process.kill()
        shutil.rmtree(tmp, ignore_errors=True)


def _is_kernel(process: psutil.Process) -> bool:
    return "ipykernel" in " ".join(process.info["cmdline"] or ())
