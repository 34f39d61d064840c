"""A Jupyter kernel as a learner's, and what is left after it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel
from support import marked, until

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
Output = dict[str, Any]


class CellFailed(AssertionError):
    """A cell raised an error; says which, and how."""


@dataclass(slots=True)
class Kernel:
    """A running kernel, and the mark that is in the environment of all that it starts."""

    manager: KernelManager
    client: BlockingKernelClient
    mark: str
    tmp: Path
    #: On which it listens to its client, who connects anew whenever a heartbeat comes late.
    ports: frozenset[int] = frozenset()
    #: The longest time in which the last cell showed nothing, in seconds.
    silence: float = 0.0

    def run(self, source: str, seconds: float = 240.0) -> list[Output]:
        """Run a cell; returns what it shows. Raises CellFailed when it raises."""
        outputs, reply = self.try_to_run(source, seconds)
        while reply["status"] == "aborted":  # it came too soon behind a cell that failed
            outputs, reply = self.try_to_run(source, seconds)
        if reply["status"] == "error":
            raise CellFailed(f"{source}\n{reply['ename']}: {reply['evalue']}")
        return outputs

    def try_to_run(
        self, source: str, seconds: float = 240.0, when_busy: Callable[[], object] | None = None
    ) -> tuple[list[Output], dict[str, Any]]:
        """Run a cell; returns what it shows, and the kernel's reply. when_busy: called once it
        has begun."""
        outputs: list[Output] = []
        displays: dict[str, Output] = {}
        states: list[str] = []
        heard, self.silence = time.monotonic(), 0.0

        def hear(message: dict[str, Any]) -> None:
            nonlocal heard
            now, content = time.monotonic(), message["content"]
            heard, self.silence = now, max(self.silence, now - heard)
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
            answer = self.client.execute_interactive(
                source, timeout=seconds, allow_stdin=False, output_hook=hear
            )
        except TimeoutError:
            if when_busy is not None and states[-1:] == ["idle"]:
                # interrupted before its first line: the kernel is free, and does not reply
                return outputs, {"status": "error", "ename": "KeyboardInterrupt", "evalue": ""}
            raise CellFailed(f"no end within {seconds:.0f} s, shown: {outputs}\n{source}") from None
        return outputs, answer["content"]

    def processes(self) -> list[psutil.Process]:
        """Every living process that was started from the kernel, the kernel itself left out."""
        return [
            process
            for process in marked("LESSON_MARK", self.mark)
            if "ipykernel" not in _command(process)
        ]

    def stacks(self) -> set[str]:
        """The labs that run, by the mark that each gives its processes."""
        marks = set()
        for process in self.processes():
            with suppress(psutil.Error):  # it may end meanwhile
                marks.add(process.environ().get("DEMO_STACK_ID", ""))
        return marks - {""}

    def nothing_is_left(self) -> None:
        """Wait until what ran from here has ended, and its sockets and ports are gone."""
        until(lambda: not self.processes(), 30.0, "the end of every process")
        assert not list(self.tmp.glob("**/*.sock")), "a socket is left"
        left = self.connections()
        until(lambda: not self.connections(), 30.0, f"the end of connections (of {left})")

    def connections(self) -> frozenset[tuple[int, int]]:
        """The ports on which the kernel itself listens or talks, but to its client: its own, and
        the other's or 0."""
        (process,) = (p for p in marked("LESSON_MARK", self.mark) if "ipykernel" in _command(p))
        return frozenset(
            (open_one.laddr.port, open_one.raddr.port if open_one.raddr else 0)
            for open_one in process.net_connections("tcp")
            if open_one.laddr.port not in self.ports
        )


@contextmanager
def kernel(folder: Path = NOTEBOOKS) -> Iterator[Kernel]:
    """A fresh kernel in the notebooks' folder; afterwards nothing that it started may be left."""
    mark, tmp = uuid.uuid4().hex, Path(tempfile.mkdtemp(prefix="k-"))
    env = {**os.environ, "LESSON_MARK": mark, "TMPDIR": str(tmp)}
    manager, client = start_new_kernel(cwd=str(folder), env=env)
    try:
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


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
