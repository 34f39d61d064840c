"""What durability costs: the sink beside aiosmtpd with a handler that keeps nothing.

`python -m benchmarks.sink` starts each as a process of its own, sends both the same mails in
turns, and prints the median rate of each. The load comes from postfix's `smtp-source` where
it is installed, else from a client written here, which is slower and levels the results.
"""

import argparse
import asyncio
import json
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

import uvloop
from aiosmtpd.smtp import SMTP

SENDER, RECIPIENT = "bench@example.test", "inbox@example.test"


@dataclass(slots=True)
class Contestant:
    """A server and the rates (mails a second) seen with it."""

    name: str
    command: list[str]
    rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median."""
        return statistics.median(self.rates)


def contestants() -> list[Contestant]:
    """Return who is compared; the first is what the others are measured by."""
    bare = [sys.executable, "-m", "benchmarks.sink", "--serve-bare"]
    return [
        Contestant("bare aiosmtpd, asyncio", [*bare, "asyncio"]),
        Contestant("bare aiosmtpd, uvloop", [*bare, "uvloop"]),
        Contestant("local_smtp, durable", [sys.executable, "-m", "local_smtp", "--json"]),
    ]


def compare(mails: int, sessions: int, size: int, rounds: int, keep_open: bool) -> list[Contestant]:
    """Send `mails` of `size` bytes in parallel sessions to each in turns; return the rates."""
    found = shutil.which("smtp-source", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    send = partial(_smtp_source, found) if found else _python_client
    field_of = contestants()
    with ExitStack() as running:
        addresses = [running.enter_context(_served(one.command)) for one in field_of]
        for address in addresses:
            send(address, sessions, sessions, size, keep_open)  # warm up
        for _ in range(rounds):
            for contestant, address in zip(field_of, addresses, strict=True):
                started = time.perf_counter()
                send(address, mails, sessions, size, keep_open)
                contestant.rates.append(mails / (time.perf_counter() - started))
    return field_of


@contextmanager
def _served(command: list[str]) -> Iterator[str]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["smtp"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        process.stdout.close()


def _smtp_source(
    program: str, address: str, mails: int, sessions: int, size: int, keep_open: bool
) -> None:
    command = [program, "-s", str(sessions), "-m", str(mails), "-l", str(size)]
    command += ["-f", SENDER, "-t", RECIPIENT, *(["-d"] if keep_open else []), address]
    subprocess.run(command, check=True)


def _python_client(address: str, mails: int, sessions: int, size: int, keep_open: bool) -> None:
    host, _, port = address.rpartition(":")
    body = b"x" * 76 + b"\r\n"
    numbers = iter(range(mails))

    async def session() -> None:
        reader = writer = None
        for number in numbers:
            if reader is None or writer is None:
                reader, writer = await asyncio.open_connection(host, int(port))
                await _told(reader, writer, b"HELO bench")
                await reader.readline()
            mail = f"Message-ID: <{time.time_ns()}.{number}@bench>\r\n\r\n".encode()
            await _told(reader, writer, f"MAIL FROM:<{SENDER}>".encode())
            await _told(reader, writer, f"RCPT TO:<{RECIPIENT}>".encode())
            await _told(reader, writer, b"DATA")
            await _told(reader, writer, mail + body * (size // len(body)) + b".")
            if not keep_open:
                await _told(reader, writer, b"QUIT")
                writer.close()
                reader = writer = None
        if writer is not None:
            writer.close()

    async def all_sessions() -> None:
        await asyncio.gather(*(session() for _ in range(sessions)))

    uvloop.run(all_sessions())


async def _told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> None:
    writer.write(line + b"\r\n")
    reply = await reader.readline()
    if not reply.startswith((b"2", b"3")):
        raise RuntimeError(f"{line[:40]!r} was answered with {reply!r}")


class _KeepsNothing:
    async def handle_DATA(self, *_: object) -> str:  # aiosmtpd's name for it
        return "250 OK"


async def _serve_bare() -> None:
    loop = asyncio.get_running_loop()
    session: Callable[[], SMTP] = partial(SMTP, _KeepsNothing(), hostname="localhost", loop=loop)
    server = await loop.create_server(session, "127.0.0.1", 0, backlog=512)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"smtp": f"127.0.0.1:{port}"}), flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sink", description=__doc__)
    parser.add_argument("--mails", type=int, default=3000, help="in each round")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--size", type=int, default=1000, help="bytes a mail")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve-bare", choices=("asyncio", "uvloop"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve_bare:
        (uvloop.run if options.serve_bare == "uvloop" else asyncio.run)(_serve_bare())
        return
    for keep_open in (True, False):
        print("kept connections" if keep_open else "a connection a mail")
        results = compare(options.mails, options.sessions, options.size, options.rounds, keep_open)
        for contestant in results:
            share = contestant.rate / results[0].rate
            print(f"  {contestant.name:24} {contestant.rate:8.0f} mails/s  {share:5.2f}")


if __name__ == "__main__":
    main()
