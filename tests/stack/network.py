"""Hosts of one's own on one machine: network namespaces, each with a cable to one switch."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import demo_app

#: Where Python finds them; in the folder of the tests others have the same names.
_PROGRAMS = Path(demo_app.__file__).parents[1]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Host:
    """One host. Its processes end with it."""

    def __init__(self, switch: str, number: int, network: str, name: str) -> None:
        self.name, self.address = name, f"{network}.{number}"
        self._space, self._cable = f"{switch}-{name}", f"{switch}-{number}"
        #: What comes before a command that is to run here.
        self.inside = ["ip", "netns", "exec", self._space]
        self._running: list[subprocess.Popen[bytes]] = []
        _ip("netns", "add", self._space)
        ends = ("link", "add", self._cable, "type", "veth")
        _ip(*ends, "peer", "name", "eth0", "netns", self._space)
        _ip("link", "set", self._cable, "master", switch, "up")
        _ip("-n", self._space, "addr", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            _ip("-n", self._space, "link", "set", device, "up")

    def run(
        self, command: list[str], environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program here."""
        process = subprocess.Popen(
            [*self.inside, *command],
            env=environment,
            cwd=_PROGRAMS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._running.append(process)
        return process

    def cut(self) -> None:
        """Pull its cable out: nothing arrives any more, and nobody is told."""
        _ip("link", "set", self._cable, "down")

    def repair(self) -> None:
        """Plug it in again."""
        _ip("link", "set", self._cable, "up")

    def end(self) -> None:
        """End what runs here, and remove it."""
        for process in self._running:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()
        _ip("link", "del", self._cable)
        _ip("netns", "del", self._space)


@dataclass
class Network:
    """A switch, on which this process is as well. prefix: of every address."""

    switch: str
    prefix: str
    hosts: list[Host] = field(default_factory=list)

    def host(self, name: str) -> Host:
        """One more host."""
        self.hosts.append(Host(self.switch, 2 + len(self.hosts), self.prefix, name))
        return self.hosts[-1]


@contextmanager
def network() -> Iterator[Network]:
    """A network of one's own; it ends with the block, and all its hosts."""
    # so that several may be there at once; the network is the one for tests of RFC 2544
    number = os.getpid() % 65_536
    made = Network(f"js{number}", f"198.{18 + number // 256 % 2}.{number % 256}")
    _ip("link", "add", made.switch, "type", "bridge")
    _ip("addr", "add", f"{made.prefix}.1/24", "dev", made.switch)
    _ip("link", "set", made.switch, "up")
    yield made
    for host in made.hosts:
        host.end()
    _ip("link", "del", made.switch)
